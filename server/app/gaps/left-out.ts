import type { FeedGap } from "../../binance/gaps/feed-events.ts";
import { dateOf, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { type SeriesKey, type Stream, type StreamFolder, seriesKey } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Downtime } from "../../recorder/recover/downtime.ts";
import { leftOutSince } from "../../recorder/recover/left-out-since.ts";
import { newestOnDiskUs } from "../../recorder/recover/newest-on-disk.ts";
import { wasRecorded } from "../../storage/list/last-record.ts";

/**
 * Records gaps for streams that were recorded once and that the config no longer lists. Such a gap is no fault, but the time must
 * not count as recorded.
 */
export type LeftOut = {
  /** For the feed: streams that the config lists again, and since when they were not recorded. */
  readonly interruptions: ReadonlyMap<Stream, Downtime>;
  /**
   * Call it once at a start. `downtimes`: interruptions of the wanted streams. Opens a gap for each stream of earlier runs that the
   * config leaves out; `sinceUs` is the end of the previous run.
   */
  begin(streams: readonly Stream[], downtimes: ReadonlyMap<Stream, Downtime>, sinceUs: number): void;
  /**
   * Call it after an upgrade for streams that the parent process did not record. They are recorded from `sinceUs` on, or from now on
   * (null). Records and returns the gap of each stream that had been recorded before.
   */
  resume(streams: readonly { readonly stream: Stream; readonly sinceUs: number | null }[]): readonly FeedGap[];
  /** Call it when the config lists other streams. */
  change(before: readonly Stream[], wanted: readonly Stream[]): void;
  /** Returns open gaps that began yesterday or today, up to now: a merge of these days needs them. */
  openGaps(): readonly Gap[];
};

/** Creates the record of left-out streams, empty before `begin`. */
export function createLeftOut(deps: {
  dataDir: string;
  journal: Pick<Journal, "gapsOfStream" | "lastRecord" | "lastRecords" | "saveGaps">;
  addGaps: (gaps: readonly Gap[]) => void;
  nowUs: () => number;
}): LeftOut {
  const { dataDir, journal, nowUs } = deps;
  const interruptions = new Map<Stream, Downtime>();
  const open = new Map<SeriesKey, Gap>();

  function openGap(stream: StreamFolder, symbol: string, fromUs: number): void {
    const span = { from_us: fromUs, to_us: Math.max(nowUs(), fromUs + 1), missing: null, repaired: 0 };
    const gap: Gap = { stream, symbol, ...span, cause: "not_configured" };
    open.set(seriesKey(stream, symbol), gap);
    journal.saveGaps([gap]);
  }

  /** Closes the open gap and returns since when the stream is missing; null if it was never recorded. */
  function closeOpenGap(stream: Stream): Downtime | null {
    const { folder } = stream.type;
    const removed = open.get(keyOf(stream));
    open.delete(keyOf(stream));
    const last = journal.lastRecord(folder, stream.symbol);
    const repeated = typeof last?.id === "number" && { repeatedIds: [last.id] };
    if (removed !== undefined) return { fromUs: removed.from_us, cause: "not_configured", ...repeated };
    if (!wasRecorded(dataDir, stream)) return null;
    const ownUs = last?.recvUs ?? newestOnDiskUs(dataDir, [stream]);
    if (ownUs === 0) return null;
    const fromUs = leftOutSince(journal.gapsOfStream(folder, stream.symbol), ownUs, 0) ?? ownUs;
    return { fromUs, cause: "not_configured", ...repeated };
  }

  function gapUntil({ type, symbol }: Stream, { fromUs, cause }: Downtime, toUs: number): Gap {
    const span = { from_us: fromUs, to_us: Math.max(toUs, fromUs + 1), missing: null, repaired: 0 };
    return { stream: type.folder, symbol, ...span, cause };
  }

  function addInterruptions(downtimes: ReadonlyMap<Stream, Downtime>): void {
    for (const [stream, downtime] of downtimes) interruptions.set(stream, downtime);
    const toUs = nowUs();
    deps.addGaps([...downtimes].map(([stream, downtime]) => gapUntil(stream, downtime, toUs)));
  }

  return {
    interruptions,
    begin(streams, downtimes, sinceUs) {
      for (const [stream, downtime] of downtimes) interruptions.set(stream, downtime);
      const wanted = new Set(streams.map(keyOf));
      for (const [folder, symbol, recvUs] of journal.lastRecords()) {
        if (wanted.has(seriesKey(folder, symbol))) continue;
        const known = leftOutSince(journal.gapsOfStream(folder, symbol), recvUs, sinceUs);
        // Older gaps are recorded already and concern no day that still waits for its merge.
        if (known === null || dateOf(known) >= dateOf(nowUs() - dayUs))
          openGap(folder, symbol, known ?? Math.min(Math.max(recvUs, sinceUs), nowUs()));
      }
    },
    resume(streams) {
      const gaps = streams.flatMap(({ stream, sinceUs }) => {
        const downtime = closeOpenGap(stream);
        if (downtime === null) return [];
        const toUs = Math.max(sinceUs ?? nowUs(), downtime.fromUs + 1);
        return [{ stream, ...downtime, toUs, missing: null, holes: [] }];
      });
      deps.addGaps(gaps.map(({ stream, toUs, ...downtime }) => gapUntil(stream, downtime, toUs)));
      return gaps;
    },
    change(before, wanted) {
      const added = wanted.filter((stream) => !before.includes(stream));
      const downtimes = new Map<Stream, Downtime>();
      for (const stream of added) {
        const downtime = closeOpenGap(stream);
        if (downtime !== null) downtimes.set(stream, downtime);
      }
      addInterruptions(downtimes);
      for (const stream of before) {
        if (wanted.includes(stream)) continue;
        interruptions.delete(stream);
        openGap(stream.type.folder, stream.symbol, nowUs());
      }
    },
    openGaps() {
      const toUs = nowUs();
      for (const [key, gap] of open) if (dateOf(gap.from_us) < dateOf(toUs - dayUs)) open.delete(key);
      return [...open.values()].map((gap) => ({ ...gap, to_us: Math.max(toUs, gap.to_us) }));
    },
  };
}

function keyOf({ type, symbol }: Stream): string {
  return seriesKey(type.folder, symbol);
}
