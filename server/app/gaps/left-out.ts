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
 * Streams that were recorded and that the config does not ask for: since when, as gaps. The time in which nobody wanted a stream is no
 * fault, but it must not pass for recorded.
 */
export type LeftOut = {
  /** Since when streams are missing that are asked for again, for the feed. */
  readonly interruptions: ReadonlyMap<Stream, Downtime>;
  /** At a start: these streams were missing, and those of earlier runs, that ended at `sinceUs`, that are left out now are written down. */
  begin(streams: readonly Stream[], downtimes: ReadonlyMap<Stream, Downtime>, sinceUs: number): void;
  /**
   * These streams are recorded from `sinceUs` on, or from now on (null), by a process that takes over from one that did not record them.
   * Writes down and returns the time in which those were missing that had been recorded before.
   */
  resume(streams: readonly { readonly stream: Stream; readonly sinceUs: number | null }[]): readonly FeedGap[];
  /** The config asks for other streams. */
  change(before: readonly Stream[], wanted: readonly Stream[]): void;
  /** Of those that are left out since yesterday or today, up to now: the day must not be merged without. */
  openGaps(): readonly Gap[];
};

/** Nothing is left out at first. */
export function createLeftOut(deps: {
  dataDir: string;
  journal: Pick<Journal, "gapsOfStream" | "lastRecord" | "lastRecords" | "saveGaps">;
  addGaps: (gaps: readonly Gap[]) => void;
  nowUs: () => number;
}): LeftOut {
  const { dataDir, journal, nowUs } = deps;
  const interruptions = new Map<Stream, Downtime>();
  const open = new Map<SeriesKey, Gap>();

  function note(stream: StreamFolder, symbol: string, fromUs: number): void {
    const span = { from_us: fromUs, to_us: Math.max(nowUs(), fromUs + 1), missing: null, repaired: 0 };
    const gap: Gap = { stream, symbol, ...span, cause: "not_configured" };
    open.set(seriesKey(stream, symbol), gap);
    journal.saveGaps([gap]);
  }

  /** Null for a stream that was never recorded. */
  function missingSince(stream: Stream): Downtime | null {
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

  function interrupt(found: ReadonlyMap<Stream, Downtime>): void {
    for (const [stream, downtime] of found) interruptions.set(stream, downtime);
    const toUs = nowUs();
    deps.addGaps([...found].map(([stream, downtime]) => gapUntil(stream, downtime, toUs)));
  }

  return {
    interruptions,
    begin(streams, downtimes, sinceUs) {
      for (const [stream, downtime] of downtimes) interruptions.set(stream, downtime);
      const wanted = new Set(streams.map(keyOf));
      for (const [folder, symbol, recvUs] of journal.lastRecords()) {
        if (wanted.has(seriesKey(folder, symbol))) continue;
        const known = leftOutSince(journal.gapsOfStream(folder, symbol), recvUs, sinceUs);
        // What is left out for longer stands in the gaps already; no day that is still to be merged is concerned.
        if (known === null || dateOf(known) >= dateOf(nowUs() - dayUs))
          note(folder, symbol, known ?? Math.min(Math.max(recvUs, sinceUs), nowUs()));
      }
    },
    resume(streams) {
      const gaps = streams.flatMap(({ stream, sinceUs }) => {
        const downtime = missingSince(stream);
        if (downtime === null) return [];
        const toUs = Math.max(sinceUs ?? nowUs(), downtime.fromUs + 1);
        return [{ stream, ...downtime, toUs, missing: null, holes: [] }];
      });
      deps.addGaps(gaps.map(({ stream, toUs, ...downtime }) => gapUntil(stream, downtime, toUs)));
      return gaps;
    },
    change(before, wanted) {
      const added = wanted.filter((stream) => !before.includes(stream));
      const found = new Map<Stream, Downtime>();
      for (const stream of added) {
        const downtime = missingSince(stream);
        if (downtime !== null) found.set(stream, downtime);
      }
      interrupt(found);
      for (const stream of before) {
        if (wanted.includes(stream)) continue;
        interruptions.delete(stream);
        note(stream.type.folder, stream.symbol, nowUs());
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
