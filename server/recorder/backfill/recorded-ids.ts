import { recordId } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import type { IdRange } from "../../storage/ids/id-ranges.ts";
import { type ReadLines, readStored } from "../../storage/list/stored-lines.ts";
import type { IdFile, IdFiles } from "./id-files.ts";
import { createIdRuns, type IdRuns } from "./id-runs.ts";

/**
 * Ids of a stream within `range` that are on disk, in whatever file of those that `files` looks at, whatever the clock said when it was
 * written. `span` is the time in which the trades were made, as far as it is known. Reads only files whose ids may lie in the range.
 */
export async function recordedIds(
  files: IdFiles,
  stream: Stream,
  range: IdRange,
  deps: { readLines: ReadLines; span?: { readonly fromUs: number; readonly toUs: number } },
): Promise<IdRuns> {
  const found = createIdRuns();
  for (const { path } of within(await files.of(stream, deps.span), range)) {
    for await (const lines of readStored(path, deps.readLines)) {
      for (const line of lines.toString("latin1").split("\n")) {
        const id = recordId(line, stream.type.kind);
        if (id !== null && id >= range.first && id <= range.last) found.add(id);
      }
    }
  }
  return found;
}

/**
 * Files that may hold ids of the range. A segment's last id is not known: of those that were received live, and of those that were
 * refetched, it is taken to lie before the beginning of the one that begins behind the next, since two connections may overlap. For the
 * same reason the next two that begin behind the range may hold some of its ids. Files that are older say nothing about it: the exchange may
 * have counted the same ids before.
 */
function within(all: readonly IdFile[], { first, last }: IdRange): readonly IdFile[] {
  const byId = (a: IdFile, b: IdFile) => a.firstId - b.firstId;
  const chosen: IdFile[] = [];
  for (const isRefetched of [false, true]) {
    const own = all.filter((file) => file.last === null && file.isRefetched === isRefetched).sort(byId);
    for (const [at, file] of own.entries()) {
      const before = own[at - 2]?.firstId ?? 0;
      if (before <= last && endOf(own, at) >= first) chosen.push(file);
    }
  }
  const archives = all.filter((file) => file.last !== null);
  return [...chosen, ...archives.filter((file) => file.firstId <= last && (file.last?.id ?? 0) >= first)];
}

/** The id at which the file that begins behind the next one begins; infinite if none does. */
function endOf(files: readonly IdFile[], at: number): number {
  const sinceUs = files[at]?.firstUs ?? 0;
  let behind = 0;
  for (let next = at + 1; next < files.length; next++) {
    const file = files[next];
    if (file !== undefined && file.firstUs >= sinceUs && ++behind === 2) return file.firstId;
  }
  return Number.POSITIVE_INFINITY;
}
