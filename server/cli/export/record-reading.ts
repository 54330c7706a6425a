import type { StreamType } from "../../domain/stream.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import type { LineParser, Received } from "../../storage/read/stream-reader.ts";
import type { ExportDeps } from "./export-plan.ts";

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
