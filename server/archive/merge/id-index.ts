import type { StreamKind } from "../../domain/stream-kinds.ts";
import { FileError } from "../../platform/errors.ts";
import { arrivalUs, lineId } from "../../storage/ids/line-ids.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";

/** Answers when an archive received a record, for ids that are asked about in nearly the order of the archive. */
export type IdIndex = {
  /** `arrivalUs` of the first line with this id, or null if the archive has none. Throws UnreadableFile, FileError. */
  arrivalOf(id: number): number | null;
  close(): void;
};

/** Some rows of the archive, by id. */
type Block = { readonly ids: Float64Array; readonly arrivals: Float64Array; rows: number };

/** Rows a block; ids may be out of order by as many without being missed. */
const blockRows = 32_768;

/**
 * Reads along an archive of lines. Ids rise nearly always; where a clock was put back or trades were refetched they are out of
 * order for a while, which is allowed for. An id that lies too far back for a sure answer is an error: no answer would be a
 * doubled row. `mostBlocks` are held, of half a megabyte each: the one that is asked about, two ahead, and the rest before.
 */
export function createIdIndex(path: string, kind: StreamKind, mostBlocks = 4): IdIndex {
  const source = openLinesSync(path);
  const blocks: Block[] = [];
  let forgotten = -1;
  let ended = false;

  function readBlock(): void {
    const block = blocks.length < mostBlocks ? newBlock() : (blocks.shift() ?? newBlock());
    forgotten = Math.max(forgotten, highestOf(block));
    block.rows = 0;
    let isSorted = true;
    while (block.rows < blockRows) {
      if (!source.fill()) {
        ended = true;
        break;
      }
      const end = source.bytes.indexOf(10, source.from);
      const id = lineId(source.bytes, source.from, end, kind);
      if (id >= 0) {
        isSorted &&= id >= highestOf(block);
        block.ids[block.rows] = id;
        block.arrivals[block.rows++] = arrivalUs(source.bytes, source.from);
      }
      source.from = end + 1;
    }
    if (!isSorted) sort(block);
    blocks.push(block);
  }

  return {
    arrivalOf(id) {
      while (!ended && !(highestOf(blocks.at(-2)) > id)) readBlock();
      for (const block of blocks) {
        const at = firstAt(block, id);
        if (block.ids[at] === id && at < block.rows) return block.arrivals[at] ?? null;
      }
      if (id > forgotten) return null;
      const hint =
        "its ids and those of the other archive are too far out of order to be compared; look at both clocks";
      throw new FileError("unite", path, hint);
    },
    close: source.close,
  };
}

function newBlock(): Block {
  return { ids: new Float64Array(blockRows), arrivals: new Float64Array(blockRows), rows: 0 };
}

/** The highest id of a sorted block; -1 if there is none. */
function highestOf(block: Block | undefined): number {
  return block === undefined || block.rows === 0 ? -1 : (block.ids[block.rows - 1] ?? -1);
}

/** By id, and in the archive's order where it is the same. */
function sort({ ids, arrivals, rows }: Block): void {
  const [oldIds, oldArrivals] = [ids.slice(0, rows), arrivals.slice(0, rows)];
  const order = new Uint32Array(rows).map((_, n) => n).sort((a, b) => (oldIds[a] ?? 0) - (oldIds[b] ?? 0) || a - b);
  for (const [to, from] of order.entries()) {
    ids[to] = oldIds[from] ?? 0;
    arrivals[to] = oldArrivals[from] ?? 0;
  }
}

/** Where the first row with an id of at least `id` is. */
function firstAt({ ids, rows }: Block, id: number): number {
  let [low, high] = [0, rows];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
