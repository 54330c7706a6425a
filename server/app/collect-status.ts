import type { Archiver } from "../archive/archiver.ts";
import type { FeedGap } from "../binance/gaps/feed-events.ts";
import type { LiveCatalogue } from "../catalogue/live-catalogue.ts";
import type { AlertStatus } from "../domain/incidents/incident.ts";
import type {
  BotStatus,
  ConnectionStatus,
  Status,
  StreamStatus,
  SymbolStatus,
  TelegramStatus,
} from "../domain/status.ts";
import { type DatasetStatus, type DiskStatus, shortage, type UploadStatus } from "../domain/storage-status.ts";
import type { Stream } from "../domain/stream.ts";
import type { Journal } from "../journal/journal.ts";
import type { TidyUp } from "./data/tidy-up.ts";
import type { Host } from "./host.ts";
import type { RecordingParts } from "./recording/recording.ts";

/** The recorder is not ready after this long without data, µs. */
const silentUs = 10_000_000;

/** The parts that contribute to the live status. */
export type StatusParts = RecordingParts & {
  readonly about: Pick<Status, "version" | "mode" | "host" | "shard" | "started_us">;
  readonly streams: readonly Stream[];
  readonly nowUs: () => number;
  readonly archiver: Archiver;
  readonly host: Host;
  readonly journal: Pick<Journal, "problem">;
  readonly catalogue: Pick<LiveCatalogue, "away">;
  readonly tidyUp: Pick<TidyUp, "status">;
  readonly mid: (symbol: string) => number | null;
  readonly upload: () => UploadStatus | null;
  readonly dataset: () => DatasetStatus | null;
  readonly telegram: () => TelegramStatus | null;
  readonly alerts: () => AlertStatus;
  readonly bot: () => BotStatus | null;
};

/** Collects the current status from the parts. Costs about a microsecond per stream. */
export function collectStatus(parts: StatusParts): Status {
  const nowUs = parts.nowUs();
  const symbols = symbolsOf(parts, nowUs);
  const counts = parts.feed()?.counts();
  const offset = parts.clockOffset.current();
  const latencyGate = parts.gate.counts();
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
    clock_steps: parts.host.clock.steps(),
    hardware: parts.host.hardware.current(),
    totals: {
      messages: parts.streams.reduce((sum, stream) => sum + parts.rates.total(stream), 0),
      messages_per_s: tenth(symbols.reduce((sum, symbol) => sum + symbol.messages_per_s, 0)),
      records: parts.streams.reduce((sum, stream) => sum + (parts.recorder.status(stream)?.records ?? 0), 0),
      records_repaired: parts.repair.fetchedTrades(),
      records_late: latencyGate.marked,
      records_gated: latencyGate.dropped,
      bytes_written: parts.streams.reduce((sum, stream) => sum + (parts.recorder.status(stream)?.bytesWritten ?? 0), 0),
      duplicates: counts?.duplicates ?? 0,
      unusual: (counts?.unusual ?? 0) + parts.rest.status().unusual,
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
    disk: forecastOf(parts, parts.host.disk.status()),
    disks: parts.host.disk.all().map((disk) => forecastOf(parts, disk)),
    upload: parts.upload(),
    dataset: parts.dataset(),
    telegram: parts.telegram(),
    alerts: parts.alerts(),
    bot: parts.bot(),
    connections,
    symbols,
  };
}

/** Removes the forecast of a disk in a demo, whose rate of filling is not that of a recording. */
function forecastOf<T extends DiskStatus | null>({ about }: StatusParts, disk: T): T {
  if (about.mode !== "demo" || disk === null) return disk;
  return { ...disk, fill_bytes_per_s: null, full_in_s: null, is_filling: false };
}

function symbolsOf(parts: StatusParts, nowUs: number): SymbolStatus[] {
  const groups = new Map<string, Stream[]>();
  for (const stream of parts.streams) {
    const group = groups.get(stream.symbol);
    if (group === undefined) groups.set(stream.symbol, [stream]);
    else group.push(stream);
  }
  // Gaps that have ended are left out: a gap of trades stays open in the feed until the next trade tells how many are missing.
  const openGaps = parts
    .feed()
    ?.openGaps()
    .filter(({ toUs }) => toUs >= nowUs);
  const open = new Map(openGaps?.map((gap) => [gap.stream, gap]));
  return [...groups].map(([symbol, streams]) => {
    const recorderStatus = streams.map((stream) => parts.recorder.status(stream));
    const rows: StreamStatus[] = streams.map((stream, index) => ({
      stream: stream.type.name,
      messages_per_s: parts.rates.perSecond(stream),
      records: recorderStatus[index]?.records ?? 0,
      buffered_records: recorderStatus[index]?.bufferedRecords ?? 0,
      last_recv_us: recorderStatus[index]?.lastRecvUs ?? null,
      gap: gapOf(open.get(stream)),
    }));
    const rate = tenth(rows.reduce((sum, row) => sum + row.messages_per_s, 0));
    const flushUs = recorderStatus.map((status) => status?.flushIntervalUs ?? null).filter((us) => us !== null);
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
      mid: parts.mid(symbol),
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
  if (failure !== null) reasons.push(`the disk does not accept data: ${failure}`);
  const disk = parts.host.disk.status();
  const shortageText = disk === null ? null : shortage(disk);
  if (shortageText !== null) reasons.push(`the disk is ${shortageText}`);
  for (const connection of connections) {
    if (connection.state !== "open" && connection.role === "current") {
      reasons.push(
        `connection ${connection.id} to ${connection.host} is ${connection.state}${connection.last_error === null ? "" : `: ${connection.last_error}`}`,
      );
    }
  }
  const lastUs = newest(symbols.map((symbol) => symbol.last_recv_us));
  if (lastUs === null) reasons.push("no data received yet");
  else if (nowUs - lastUs > silentUs) reasons.push(`no data received for ${Math.round((nowUs - lastUs) / 1e6)} s`);
  return reasons;
}

function newest(times: readonly (number | null)[]): number | null {
  return times.reduce((best, time) => (time !== null && (best === null || time > best) ? time : best), null);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
