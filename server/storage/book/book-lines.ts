import { type Day, dateOf, dayStartUs, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { StreamFolder } from "../../domain/stream.ts";
import { streamsOfDay } from "../list/listing.ts";
import type { SourceCheck } from "../read/source-check.ts";
import type { LineStream, Received } from "../read/stream-reader.ts";
import { type GapsOf, gapsOfDays } from "../recorded-gaps.ts";

/** Which book is asked for, and how many levels a side. */
export type BookRequest = {
  readonly dataDir: string;
  readonly symbol: string;
  readonly atUs: number;
  readonly depth: number;
};

/** How the files are read. */
export type BookReading = {
  readonly gapsOf: GapsOf;
  readonly check: SourceCheck;
  readonly onDamage: (path: string, problem: string) => void;
};

/** While a symbol trades, a partial book comes at least every 20 s. After this time without a record, µs, the book is unknown. */
export const silentUs = 60_000_000;

/** A stored line by its place: `source` from `from` to `to`, one character per byte. */
export type BookLine = Received & {
  /** Folder of its stream. */
  readonly stream: StreamFolder;
  readonly source: string;
  readonly from: number;
  readonly to: number;
};

/** The files of a stream of books on some days, and its gaps in order. */
export type BookStream = { readonly lines: readonly LineStream<BookLine>[]; readonly gaps: readonly Gap[] };

/** Finds the files and gaps of a stream on the days that a span touches. */
export function bookStream(
  dataDir: string,
  series: Pick<Day, "stream" | "symbol">,
  span: { readonly fromUs: number; readonly toUs: number },
  gapsOf: GapsOf,
): BookStream {
  const dates: string[] = [];
  for (let us = dayStartUs(span.fromUs); us <= span.toUs; us += dayUs) dates.push(dateOf(us));
  const recorded = dates.flatMap((date) => streamsOfDay(dataDir, { ...series, date }));
  const known = new Map(recorded.flatMap(({ days }) => days).map((day) => [day.date, day]));
  const days = dates.map((date) => known.get(date) ?? { ...series, date, gaps: null });
  return {
    lines: recorded.map(({ files }) => ({ files, encoding: "latin1", createParser: () => lineParser(series.stream) })),
    // A wrong clock loses no record, and the book of a halted symbol does not change.
    gaps: gapsOfDays(days, gapsOf).gaps.filter(({ cause }) => cause !== "clock" && cause !== "halted"),
  };
}

/** Returns the gap that holds an instant, or null. */
export function gapAt(gaps: readonly Gap[], atUs: number): Gap | null {
  return gaps.find(({ from_us, to_us }) => from_us < atUs && atUs < to_us) ?? null;
}

const head = '{"recv_us":';
const [zero, comma, brace] = [48, 44, 125];

/** Reads only the receipt time. */
function lineParser(stream: StreamFolder) {
  return (source: string, from: number, to: number): BookLine | "damaged" | null => {
    if (from === to) return null;
    let at = from + head.length;
    let recvUs = 0;
    for (let digit = source.charCodeAt(at) - zero; digit >= 0 && digit <= 9; digit = source.charCodeAt(++at) - zero)
      recvUs = recvUs * 10 + digit;
    const isLine = source.startsWith(head, from) && source.charCodeAt(at) === comma;
    return isLine && source.charCodeAt(to - 1) === brace ? { recvUs, stream, source, from, to } : "damaged";
  };
}
