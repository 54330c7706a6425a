import { type Day, dateStartUs, dayUs } from "../domain/day.ts";
import { clipGap, type Gap } from "../domain/gap.ts";
import type { StoredBackfill } from "../domain/missing-ids.ts";
import { type SeriesKey, type StreamFolder, seriesKey } from "../domain/stream.ts";
import type { JournalEntry, LastRecord, RecorderRun } from "./entry.ts";

/** The state that results from the journal's entries. */
export type JournalState = {
  apply(entry: JournalEntry, number: number): void;
  /** Returns the gaps of a stream, by start. */
  gapsOfStream(stream: StreamFolder, symbol: string): readonly Gap[];
  /** Returns the gaps of a day, clipped to it, by start. */
  gapsOf(day: Day): readonly Gap[];
  gap(key: Pick<Gap, "stream" | "symbol" | "from_us">): Gap | null;
  /** Returns the gaps saved after the entry with this number. */
  gapsSince(number: number): readonly Gap[];
  gapCount(): number;
  backfills(): readonly StoredBackfill[];
  /** Returns the runs, oldest first. */
  runs(): readonly RecorderRun[];
  last(stream: StreamFolder, symbol: string): LastRecord | null;
  lasts(): readonly LastRecord[];
  /**
   * Returns the receipts of a stream's latest saved records, µs, in the order in which they were saved. A rewrite of the journal's file
   * forgets all but the last.
   */
  savedReceipts(stream: StreamFolder, symbol: string): readonly number[];
  /** Returns entries that reproduce this state. */
  snapshot(): JournalEntry[];
  /** Removes a gap that is recorded elsewhere. Adds no entry; the next rewrite leaves the gap out. */
  forget(gap: Gap): void;
};

/** Limit of gaps. Beyond it, adjacent gaps are joined, so that every gap stays covered. */
const maxGaps = 100_000;
/** Most ranges of missing ids that may wait for backfill. */
const maxBackfills = 60_000;
const maxRuns = 1000;
/** Most receipts of saved records that are remembered for each stream: about twenty minutes. */
const maxReceipts = 128;

/** Creates an empty state. `limit` is for tests. */
export function createJournalState(limit: number = maxGaps): JournalState {
  const streams = new Map<SeriesKey, Map<number, { readonly gap: Gap; readonly number: number }>>();
  const holes = new Map<string, StoredBackfill>();
  const runs = new Map<number, RecorderRun>();
  const lasts = new Map<SeriesKey, LastRecord>();
  const receipts = new Map<SeriesKey, number[]>();
  let count = 0;

  function saveGap(gap: Gap, number: number): void {
    const key = seriesKey(gap.stream, gap.symbol);
    const gaps = streams.get(key) ?? new Map();
    streams.set(key, gaps);
    const before = gaps.get(gap.from_us)?.gap;
    if (before === undefined) count++;
    // A later source may know more about a gap but not its latest end, so the end only moves later.
    const to_us = Math.max(before?.to_us ?? 0, gap.to_us);
    gaps.set(gap.from_us, { gap: to_us === gap.to_us ? gap : { ...gap, to_us }, number });
    if (count > limit) joinNeighbours();
  }

  function saveLast(record: LastRecord): void {
    const key = seriesKey(record[0], record[1]);
    lasts.set(key, record);
    const saved = receipts.get(key) ?? [];
    receipts.set(key, saved);
    if (saved.push(record[2]) > maxReceipts) saved.shift();
  }

  function removeGap(stream: StreamFolder, symbol: string, fromUs: number): void {
    if (streams.get(seriesKey(stream, symbol))?.delete(fromUs)) count--;
  }

  /** Halves the number of gaps in each stream by joining neighbours. */
  function joinNeighbours(): void {
    for (const gaps of streams.values()) {
      const all = sortedByStart(gaps.values());
      gaps.clear();
      for (let at = 0; at < all.length; at += 2) {
        const [entry, next] = [all[at], all[at + 1]];
        if (entry === undefined) continue;
        gaps.set(
          entry.gap.from_us,
          next === undefined ? entry : { gap: joined(entry.gap, next.gap), number: next.number },
        );
      }
    }
    count = [...streams.values()].reduce((sum, gaps) => sum + gaps.size, 0);
  }

  return {
    apply(entry, number) {
      if (entry.kind === "gap") saveGap(entry.gap, number);
      else if (entry.kind === "hole") {
        holes.set(keyOf(entry.hole.stream, entry.hole.symbol, entry.hole.fromId), entry.hole);
        if (holes.size > maxBackfills) holes.delete(holes.keys().next().value ?? "");
      } else if (entry.kind === "hole_done") holes.delete(keyOf(entry.stream, entry.symbol, entry.fromId));
      else if (entry.kind === "run") {
        runs.set(entry.run.started_us, entry.run);
        if (runs.size > maxRuns) runs.delete(runs.keys().next().value ?? 0);
      } else entry.records.forEach(saveLast);
    },
    gapsOfStream: (stream, symbol) =>
      sortedByStart(streams.get(seriesKey(stream, symbol))?.values() ?? []).map(({ gap }) => gap),
    gapsOf({ stream, symbol, date }) {
      const fromUs = dateStartUs(date);
      return sortedByStart(streams.get(seriesKey(stream, symbol))?.values() ?? [])
        .map(({ gap }) => clipGap(gap, fromUs, fromUs + dayUs))
        .filter((gap) => gap !== null);
    },
    gap: ({ stream, symbol, from_us }) => streams.get(seriesKey(stream, symbol))?.get(from_us)?.gap ?? null,
    gapsSince(number) {
      const result: Gap[] = [];
      for (const gaps of streams.values())
        for (const entry of gaps.values()) if (entry.number > number) result.push(entry.gap);
      return result;
    },
    gapCount: () => count,
    backfills: () => [...holes.values()].sort((a, b) => a.fromUs - b.fromUs || a.fromId - b.fromId),
    runs: () => [...runs.values()],
    lasts: () => [...lasts.values()],
    savedReceipts: (stream, symbol) => receipts.get(seriesKey(stream, symbol)) ?? [],
    last: (stream, symbol) => lasts.get(seriesKey(stream, symbol)) ?? null,
    snapshot() {
      const entries: JournalEntry[] = [];
      for (const run of runs.values()) entries.push({ kind: "run", run });
      for (const hole of holes.values()) entries.push({ kind: "hole", hole });
      if (lasts.size > 0) entries.push({ kind: "last", records: [...lasts.values()] });
      for (const gaps of streams.values()) for (const { gap } of gaps.values()) entries.push({ kind: "gap", gap });
      return entries;
    },
    forget: ({ stream, symbol, from_us }) => removeGap(stream, symbol, from_us),
  };
}

function sortedByStart(gaps: Iterable<{ readonly gap: Gap; readonly number: number }>) {
  return [...gaps].sort((a, b) => a.gap.from_us - b.gap.from_us);
}

/** Joins two gaps from the start of the first to the end of the second. Adds the counts if both are known. */
function joined(first: Gap, next: Gap): Gap {
  const isCounted = first.missing !== null && next.missing !== null;
  return {
    ...first,
    to_us: Math.max(first.to_us, next.to_us),
    missing: isCounted ? (first.missing ?? 0) + (next.missing ?? 0) : null,
    repaired: isCounted ? first.repaired + next.repaired : 0,
  };
}

function keyOf(stream: StreamFolder, symbol: string, id: number): string {
  return `${stream}/${symbol}/${id}`;
}
