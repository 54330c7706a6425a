import { dayStartUs } from "../../domain/day.ts";
import { type Gap, provesEarlierRecords } from "../../domain/gap.ts";
import { type SeriesKey, type StreamFolder, seriesKey } from "../../domain/stream.ts";
import { firstRecordUs } from "../../storage/list/first-record.ts";

/** Knows since when each stream is recorded. Earlier records do not count as missing. */
export type RecordedSince = {
  /** Returns the receipt of a stream's very first record, µs; null if it has none. */
  of(stream: StreamFolder, symbol: string): number | null;
  /** Looks again for the first record. */
  forget(series: { readonly stream: StreamFolder; readonly symbol: string }): void;
  /** Looks again after a gap in which the first record was lost, or of cause "clock": a wrong clock may have stamped that record. */
  onGap(gap: Gap): void;
};

/** Creates the knowledge; it reads the files of a stream at the first question. */
export function createRecordedSince(deps: {
  dataDir: string;
  gapsOf: (day: { stream: StreamFolder; symbol: string; date: string }) => readonly Gap[];
  /** Returns the first record of the current day that this process knows, µs, also before it is on disk. */
  firstToday: (key: SeriesKey, dayStart: number) => number | null;
  nowUs: () => number;
}): RecordedSince {
  const known = new Map<SeriesKey, number>();
  return {
    of(stream, symbol) {
      const key = seriesKey(stream, symbol);
      const before = known.get(key);
      if (before !== undefined) return before;
      const sinceUs =
        firstRecordUs(deps.dataDir, { stream, symbol }, deps.gapsOf) ?? deps.firstToday(key, dayStartUs(deps.nowUs()));
      if (sinceUs !== null) known.set(key, sinceUs);
      return sinceUs;
    },
    forget: ({ stream, symbol }) => void known.delete(seriesKey(stream, symbol)),
    onGap(gap) {
      if (gap.cause === "clock" || provesEarlierRecords(gap)) known.delete(seriesKey(gap.stream, gap.symbol));
    },
  };
}
