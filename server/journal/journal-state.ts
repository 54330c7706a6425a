import { type Day, dateStartUs, dayUs } from "../domain/day.ts";
import { clipGap, type Gap } from "../domain/gap.ts";
import type { StoredBackfill } from "../domain/missing-ids.ts";
import { type SeriesKey, type StreamFolder, seriesKey } from "../domain/stream.ts";
import type { JournalEntry, LastRecord, RecorderRun } from "./entry.ts";

/** What the journal's entries come to. */
export type JournalState = {
  apply(entry: JournalEntry, number: number): void;
  /** Gaps of a stream, by beginning. */
  gapsOfStream(stream: StreamFolder, symbol: string): readonly Gap[];
  /** Gaps of a day, clipped to it, by beginning. */
  gapsOf(day: Day): readonly Gap[];
  gap(key: Pick<Gap, "stream" | "symbol" | "from_us">): Gap | null;
  /** Gaps that were noted after the entry of this number. */
  gapsSince(number: number): readonly Gap[];
  gapCount(): number;
  holes(): readonly StoredBackfill[];
  /** Oldest first. */
  runs(): readonly RecorderRun[];
  last(stream: StreamFolder, symbol: string): LastRecord | null;
  lasts(): readonly LastRecord[];
  /** Everything as entries, from which the same state follows. */
  snapshot(): JournalEntry[];
  /** Forgets a gap that is written down elsewhere; without an entry of its own, since the next rewrite leaves it out. */
  forget(gap: Gap): void;
};

/** Beyond this many gaps neighbours are joined: none is forgotten. */
const mostGaps = 100_000;
/** Ranges of missing ids, as many as may wait to be refetched. */
const mostHoles = 60_000;
const mostRuns = 1000;

/** An empty state. `most` is for tests. */
export function createJournalState(most: number = mostGaps): JournalState {
  const streams = new Map<SeriesKey, Map<number, { readonly gap: Gap; readonly number: number }>>();
  const holes = new Map<string, StoredBackfill>();
  const runs = new Map<number, RecorderRun>();
  const lasts = new Map<SeriesKey, LastRecord>();
  let count = 0;

  function put(gap: Gap, number: number): void {
    const key = seriesKey(gap.stream, gap.symbol);
    const own = streams.get(key) ?? new Map();
    streams.set(key, own);
    const before = own.get(gap.from_us)?.gap;
    if (before === undefined) count++;
    // Whoever knows more of a gap may not know how long others have seen it last.
    const to_us = Math.max(before?.to_us ?? 0, gap.to_us);
    own.set(gap.from_us, { gap: to_us === gap.to_us ? gap : { ...gap, to_us }, number });
    if (count > most) joinNeighbours();
  }

  function drop(stream: StreamFolder, symbol: string, fromUs: number): void {
    if (streams.get(seriesKey(stream, symbol))?.delete(fromUs)) count--;
  }

  /** Halves the number of gaps of each stream that has several. */
  function joinNeighbours(): void {
    for (const own of streams.values()) {
      const all = sorted(own.values());
      own.clear();
      for (let at = 0; at < all.length; at += 2) {
        const [one, next] = [all[at], all[at + 1]];
        if (one === undefined) continue;
        own.set(one.gap.from_us, next === undefined ? one : { gap: joined(one.gap, next.gap), number: next.number });
      }
    }
    count = [...streams.values()].reduce((sum, own) => sum + own.size, 0);
  }

  return {
    apply(entry, number) {
      if (entry.kind === "gap") put(entry.gap, number);
      else if (entry.kind === "hole") {
        holes.set(keyOf(entry.hole.stream, entry.hole.symbol, entry.hole.fromId), entry.hole);
        if (holes.size > mostHoles) holes.delete(holes.keys().next().value ?? "");
      } else if (entry.kind === "hole_done") holes.delete(keyOf(entry.stream, entry.symbol, entry.fromId));
      else if (entry.kind === "run") {
        runs.set(entry.run.started_us, entry.run);
        if (runs.size > mostRuns) runs.delete(runs.keys().next().value ?? 0);
      } else for (const record of entry.records) lasts.set(`${record[0]}/${record[1]}`, record);
    },
    gapsOfStream: (stream, symbol) =>
      sorted(streams.get(seriesKey(stream, symbol))?.values() ?? []).map(({ gap }) => gap),
    gapsOf({ stream, symbol, date }) {
      const fromUs = dateStartUs(date);
      return sorted(streams.get(seriesKey(stream, symbol))?.values() ?? [])
        .map(({ gap }) => clipGap(gap, fromUs, fromUs + dayUs))
        .filter((gap) => gap !== null);
    },
    gap: ({ stream, symbol, from_us }) => streams.get(seriesKey(stream, symbol))?.get(from_us)?.gap ?? null,
    gapsSince(number) {
      const found: Gap[] = [];
      for (const own of streams.values()) for (const one of own.values()) if (one.number > number) found.push(one.gap);
      return found;
    },
    gapCount: () => count,
    holes: () => [...holes.values()].sort((a, b) => a.fromUs - b.fromUs || a.fromId - b.fromId),
    runs: () => [...runs.values()],
    lasts: () => [...lasts.values()],
    last: (stream, symbol) => lasts.get(seriesKey(stream, symbol)) ?? null,
    snapshot() {
      const entries: JournalEntry[] = [];
      for (const run of runs.values()) entries.push({ kind: "run", run });
      for (const hole of holes.values()) entries.push({ kind: "hole", hole });
      if (lasts.size > 0) entries.push({ kind: "last", records: [...lasts.values()] });
      for (const own of streams.values()) for (const { gap } of own.values()) entries.push({ kind: "gap", gap });
      return entries;
    },
    forget: ({ stream, symbol, from_us }) => drop(stream, symbol, from_us),
  };
}

function sorted(gaps: Iterable<{ readonly gap: Gap; readonly number: number }>) {
  return [...gaps].sort((a, b) => a.gap.from_us - b.gap.from_us);
}

/** One gap from the beginning of the first to the end of the second; counts are added where both are known. */
function joined(one: Gap, next: Gap): Gap {
  const isCounted = one.missing !== null && next.missing !== null;
  return {
    ...one,
    to_us: Math.max(one.to_us, next.to_us),
    missing: isCounted ? (one.missing ?? 0) + (next.missing ?? 0) : null,
    repaired: isCounted ? one.repaired + next.repaired : 0,
  };
}

function keyOf(stream: StreamFolder, symbol: string, id: number): string {
  return `${stream}/${symbol}/${id}`;
}
