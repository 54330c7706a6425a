import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import type { StreamType } from "../../domain/stream.ts";
import { OperatorError } from "../../platform/errors.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import type { LineParser, Received } from "../../storage/read/stream-reader.ts";
import type { ExportDeps, ExportJob, ExportResult } from "./export-plan.ts";

export type Reading<M extends Received> = {
  readonly tracks: readonly RecordedStream[];
  readonly parserOf: (type: StreamType) => LineParser<M>;
  readonly fromUs: number;
  readonly toUs: number;
  readonly take: (record: M) => void;
  /** Called with the receipt time of a record now and then, µs. */
  readonly onProgress: (recvUs: number) => void;
  /** True if reading must end because a source is damaged. */
  readonly isRefused: () => boolean;
};

/** Records after which other work gets its turn. */
const recordsAtOnce = 2000;

/** Reads the records of a range from several streams in order of receipt. Resolves with false if it was ended by `stop` or a damage. */
export async function readRecords<M extends Received>(
  { tracks, parserOf, fromUs, toUs, take, onProgress, isRefused }: Reading<M>,
  { check, onDamage, stop }: Pick<ExportDeps, "check" | "onDamage" | "stop">,
): Promise<boolean> {
  const reader = createMergedReader(
    tracks.map(({ files, stream }) => ({ files, createParser: () => parserOf(stream.type) })),
    { fromUs, onDamage, check },
  );
  let records = 0;
  try {
    for (;;) {
      const next = reader.peek();
      if (next === undefined) {
        if (stop.aborted || isRefused()) return false;
        if (await reader.fill()) continue;
        break;
      }
      if (next.recvUs >= toUs) break;
      take(next);
      reader.skip();
      if (++records % recordsAtOnce > 0) continue;
      onProgress(next.recvUs);
      await nextTurn();
      if (stop.aborted) return false;
    }
  } finally {
    // Closing the reader reports damage in files that are still open.
    reader.close();
  }
  return !stop.aborted && !isRefused();
}

/** Records of this time before a day prepare its book: at least two REST books, which are asked for every hour. */
const leadUs = 2.1 * 3600e6;

/** Start of the reading of a range's book, µs. */
export function leadOf({ fromUs }: Pick<TimeSpan, "fromUs">): number {
  return fromUs - leadUs;
}

/** Tests whether books are made of a stream. */
export function isBook({ kind }: StreamType): boolean {
  return kind === "diffDepth" || kind === "depthSnapshot" || kind === "partialDepth";
}

/** Returns the share of a range that is read, by the receipt of the newest record. */
export function progressOf({ fromUs }: TimeSpan, toUs: number): (recvUs: number) => number {
  return (recvUs) => Math.min(1, Math.max(0, (recvUs - fromUs) / (toUs - fromUs)));
}

/** Returns the result of a reading that did not reach its end. @throws if it was stopped */
export function ended({ path }: ExportJob, { stop }: ExportDeps): ExportResult {
  if (stop.aborted) throw new Error(`the export was stopped; ${path} was not written`);
  return { kind: "damaged" };
}

/** Returns the problem of a day whose book is never known. `remedy`: flags that help. */
export function unknownBook(
  { symbol, date, book }: { readonly symbol: string; readonly date: string; readonly book: StreamType },
  remedy: string,
): OperatorError {
  const reason =
    book.kind === "diffDepth"
      ? `no REST book of that day fits the recorded ${book.folder}. Give ${remedy}, or another day`
      : `no ${book.folder} was recorded in this range. Give another range`;
  return new OperatorError(`the book of ${symbol} is unknown all through ${date}: ${reason}`);
}
