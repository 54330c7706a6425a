import type { IdRange } from "../../domain/ids/id-ranges.ts";
import { recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { listAndRead, type ReadLines } from "../../storage/list/stored-lines.ts";
import type { IdFile, IdFiles } from "./id-files.ts";
import { createIdRuns, type IdRuns } from "./id-runs.ts";

/**
 * Returns the ids of a stream within `range` that are on disk, whatever the clock was when they were written. `span`: the time of the
 * trades, if known. Reads only files whose ids may be in the range.
 */
export async function recordedIds(
  files: IdFiles,
  stream: Stream,
  range: IdRange,
  deps: { readLines: ReadLines; span?: { readonly fromUs: number; readonly toUs: number } },
): Promise<IdRuns> {
  return await listAndRead(async (readFile) => {
    const recorded = createIdRuns();
    for (const { path } of within(await files.of(stream, readFile, deps.span), range)) {
      for await (const lines of readFile(path, deps.readLines)) {
        for (const line of lines.toString("latin1").split("\n")) {
          const id = recordId(line, stream.type.kind);
          if (id !== null && id >= range.first && id <= range.last) recorded.add(id);
        }
      }
    }
    return recorded;
  });
}

/**
 * Chooses the files that may hold ids of the range.
 *
 * - The last id of a segment is unknown. It is assumed to be lower than the first id of the next segment but one, because two connections may
 *   overlap. Live segments and backfilled segments are compared separately.
 * - For the same reason the next two segments that start after the range may hold some of its ids.
 * - Segments with an older first record do not limit a segment: the exchange may have used the same ids before.
 */
function within(all: readonly IdFile[], { first, last }: IdRange): readonly IdFile[] {
  const byId = (a: IdFile, b: IdFile) => a.firstId - b.firstId;
  const chosen: IdFile[] = [];
  for (const isBackfilled of [false, true]) {
    const segments = all.filter((file) => file.last === null && file.isBackfilled === isBackfilled).sort(byId);
    for (const [at, file] of segments.entries()) {
      const before = segments[at - 2]?.firstId ?? 0;
      if (before <= last && endOf(segments, at) >= first) chosen.push(file);
    }
  }
  const archives = all.filter((file) => file.last !== null);
  return [...chosen, ...archives.filter((file) => file.firstId <= last && (file.last?.id ?? 0) >= first)];
}

/** Returns the first id of the second newer file after this file; infinite without such a file. */
function endOf(files: readonly IdFile[], at: number): number {
  const sinceUs = files[at]?.firstUs ?? 0;
  let behind = 0;
  for (let next = at + 1; next < files.length; next++) {
    const file = files[next];
    if (file !== undefined && file.firstUs >= sinceUs && ++behind === 2) return file.firstId;
  }
  return Number.POSITIVE_INFINITY;
}
