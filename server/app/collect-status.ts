import type { Archiver } from "../archive/archiver.ts";
import type { FeedGap } from "../binance/gaps/feed-events.ts";
import type { LiveCatalogue } from "../catalogue/live-catalogue.ts";
import { shortage } from "../domain/disk-status.ts";
import type { AlertStatus } from "../domain/incidents/incident.ts";
import type {
  BotStatus,
  ConnectionStatus,
  Status,
  StreamStatus,
  SymbolStatus,
  TelegramStatus,
  UploadStatus,
} from "../domain/status.ts";
import type { Stream } from "../domain/stream.ts";
import type { Journal } from "../journal/journal.ts";
import type { TidyUp } from "./data/tidy-up.ts";
import type { Host } from "./host.ts";
import type { RecordingParts } from "./recording/recording.ts";

/** Without any data for this long the recorder is not ready, µs. */
const silentUs = 10_000_000;

/** The parts of which the live status is made. */
export type StatusParts = RecordingParts & {
  readonly about: Pick<Status, "version" | "mode" | "host" | "shard" | "started_us">;
  readonly streams: readonly Stream[];
  readonly nowUs: () => number;
  readonly archiver: Archiver;
  readonly machine: Host;
  readonly journal: Pick<Journal, "problem">;
  readonly catalogue: Pick<LiveCatalogue, "away">;
  readonly tidyUp: Pick<TidyUp, "status">;
  readonly upload: () => UploadStatus | null;
  readonly telegram: () => TelegramStatus | null;
  readonly alerts: () => AlertStatus;
  readonly bot: () => BotStatus | null;
};

/** The status of this moment, put together from the parts; costs about a microsecond a stream. */
export function collectStatus(parts: StatusParts): Status {
  const nowUs = parts.nowUs();
  const symbols = symbolsOf(parts, nowUs);
  const counts = parts.feed()?.counts();
  const offset = parts.clockOffset.current();
  const gate = parts.gate.counts();
  const away = parts.catalogue.away();
  const connections = parts.feed()?.connections() ?? [];
  const reasons = notReady(parts, symbols, connections, nowUs);
  return {
    ...parts.about,
    now_us: nowUs,
    ready: reasons.length === 0,
    reasons,
    clock_offset_ms: offset === null ? null : tenth(offset.offsetMs),
    clock_offset_bound_ms: offset === null ? null : tenth(offset.boundMs),
    clock_steps: parts.machine.clock.steps(),
    hardware: parts.machine.hardware.current(),
    totals: {
      messages: parts.streams.reduce((sum, stream) => sum + parts.rates.total(stream), 0),
      messages_per_s: tenth(symbols.reduce((sum, symbol) => sum + symbol.messages_per_s, 0)),
      records: parts.streams.reduce((sum, stream) => sum + (parts.recorder.status(stream)?.records ?? 0), 0),
      records_repaired: parts.repair.refetched(),
      records_late: gate.marked,
      records_gated: gate.dropped,
      bytes_written: parts.streams.reduce((sum, stream) => sum + (parts.recorder.status(stream)?.bytesWritten ?? 0), 0),
      duplicates: counts?.duplicates ?? 0,
      quarantined: parts.quarantine.count(),
      reconnects: counts?.reconnects ?? 0,
      rollovers: counts?.rollovers ?? 0,
      epochs: counts?.epochs ?? 0,
      holes: parts.repair.status().holes,
      gaps: parts.ledger.count(),
    },
    archive: parts.archiver.status(),
    catalogue: {
      problem: away?.reason ?? null,
      since_us: away?.sinceUs ?? null,
      journal_problem: parts.journal.problem(),
    },
    catch_up: parts.tidyUp.status(),
    disk: parts.machine.disk.status(),
    disks: parts.machine.disk.all(),
    upload: parts.upload(),
    telegram: parts.telegram(),
    alerts: parts.alerts(),
    bot: parts.bot(),
    connections,
    symbols,
  };
}

function symbolsOf(parts: StatusParts, nowUs: number): SymbolStatus[] {
  const groups = new Map<string, Stream[]>();
  for (const stream of parts.streams) {
    const group = groups.get(stream.symbol);
    if (group === undefined) groups.set(stream.symbol, [stream]);
    else group.push(stream);
  }
  // One that is over and only waits to be judged, as that of trades does until the next trade, reaches up to a moment ago.
  const lasting = parts
    .feed()
    ?.openGaps()
    .filter(({ toUs }) => toUs >= nowUs);
  const open = new Map(lasting?.map((gap) => [gap.stream, gap]));
  return [...groups].map(([symbol, streams]) => {
    const tracks = streams.map((stream) => parts.recorder.status(stream));
    const rows: StreamStatus[] = streams.map((stream, index) => ({
      stream: stream.type.name,
      messages_per_s: parts.rates.perSecond(stream),
      records: tracks[index]?.records ?? 0,
      buffered_records: tracks[index]?.bufferedRecords ?? 0,
      last_recv_us: tracks[index]?.lastRecvUs ?? null,
      gap: gapOf(open.get(stream)),
    }));
    const rate = tenth(rows.reduce((sum, row) => sum + row.messages_per_s, 0));
    const flushUs = tracks.map((track) => track?.flushIntervalUs ?? null).filter((us) => us !== null);
    const quantiles = parts.delay.quantilesMs(symbol);
    return {
      symbol,
      state: parts.symbols.stateOf(symbol).kind,
      messages_per_s: rate,
      delay_ms: parts.delay.estimateMs(symbol),
      delay_p50_ms: quantiles?.p50 ?? null,
      delay_p99_ms: quantiles?.p99 ?? null,
      interval_ms: rate > 0 ? tenth(1000 / rate) : null,
      flush_interval_ms: flushUs.length > 0 ? Math.round(Math.max(...flushUs) / 1000) : null,
      buffered_records: rows.reduce((sum, row) => sum + row.buffered_records, 0),
      last_recv_us: newest(rows.map((row) => row.last_recv_us)),
      streams: rows,
    };
  });
}

function gapOf(gap: FeedGap | undefined): StreamStatus["gap"] {
  return gap === undefined ? null : { cause: gap.cause, from_us: gap.fromUs };
}

function notReady(
  parts: StatusParts,
  symbols: readonly SymbolStatus[],
  connections: readonly ConnectionStatus[],
  nowUs: number,
): string[] {
  const reasons: string[] = [];
  const failure = parts.recorder.failure();
  if (failure !== null) reasons.push(`the disk does not take data: ${failure}`);
  const disk = parts.machine.disk.status();
  const short = disk === null ? null : shortage(disk);
  if (short !== null) reasons.push(`the disk is ${short}`);
  for (const connection of connections) {
    if (connection.state !== "open" && connection.role === "current") {
      reasons.push(
        `connection ${connection.id} to ${connection.host} is ${connection.state}${connection.last_error === null ? "" : `: ${connection.last_error}`}`,
      );
    }
  }
  const lastUs = newest(symbols.map((symbol) => symbol.last_recv_us));
  if (lastUs === null) reasons.push("nothing has been received yet");
  else if (nowUs - lastUs > silentUs)
    reasons.push(`nothing has been received for ${Math.round((nowUs - lastUs) / 1e6)} s`);
  return reasons;
}

function newest(times: readonly (number | null)[]): number | null {
  return times.reduce((best, time) => (time !== null && (best === null || time > best) ? time : best), null);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
