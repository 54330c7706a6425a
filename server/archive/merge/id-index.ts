import type { StreamKind } from "../../domain/stream-kinds.ts";
import { FileError } from "../../platform/errors.ts";
import { arrivalUs, lineKey } from "../../storage/ids/line-ids.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";

/** Looks up when an archive received a record. Lookups must come in nearly the order of the archive. */
export type IdIndex = {
  /** Returns `arrivalUs` of the first line with this id; null if the archive has no such line. @throws UnreadableFile, FileError */
  arrivalOf(id: number): number | null;
  close(): void;
};

/** A run of consecutive rows of the archive, sorted by id. */
type Block = { readonly ids: Float64Array; readonly arrivals: Float64Array; rows: number };

/** Rows per block. An id that is out of order by no more than this many rows is still found. */
const blockRows = 32_768;

/**
 * Creates an index that reads through an archive once, in step with the lookups. Ids mostly rise. They are out of order for a while
 * after a clock was set back or trades were backfilled, and the index tolerates that. A lookup too far back throws an error: a wrong
 * "not found" would duplicate a row. At most `mostBlocks` blocks of 512 KiB are held: the current block, two blocks ahead of it, and
 * the rest behind it.
 */
export function createIdIndex(path: string, kind: StreamKind, mostBlocks = 4): IdIndex {
  const source = openLinesSync(path);
  const blocks: Block[] = [];
  let highestForgotten = -1;
  let ended = false;

  function readBlock(): void {
    const block = blocks.length < mostBlocks ? newBlock() : (blocks.shift() ?? newBlock());
    highestForgotten = Math.max(highestForgotten, highestOf(block));
    block.rows = 0;
    let isSorted = true;
    while (block.rows < blockRows) {
      if (!source.fill()) {
        ended = true;
        break;
      }
      const end = source.bytes.indexOf(10, source.from);
      const id = lineKey(source.bytes, source.from, end, kind);
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
        const at = lowerBound(block, id);
        if (block.ids[at] === id && at < block.rows) return block.arrivals[at] ?? null;
      }
      if (id > highestForgotten) return null;
      const hint =
        "the ids of this archive and the other archive are too far out of order to be compared; check the clocks of both recorders";
      throw new FileError("combine", path, hint);
    },
    close: source.close,
  };
}

function newBlock(): Block {
  return { ids: new Float64Array(blockRows), arrivals: new Float64Array(blockRows), rows: 0 };
}

/** Returns the highest id of a sorted block; -1 if it is empty. */
function highestOf(block: Block | undefined): number {
  return block === undefined || block.rows === 0 ? -1 : (block.ids[block.rows - 1] ?? -1);
}

/** Sorts a block by id. Rows with the same id keep the archive's order. */
function sort({ ids, arrivals, rows }: Block): void {
  const [oldIds, oldArrivals] = [ids.slice(0, rows), arrivals.slice(0, rows)];
  const order = new Uint32Array(rows).map((_, n) => n).sort((a, b) => (oldIds[a] ?? 0) - (oldIds[b] ?? 0) || a - b);
  for (const [to, from] of order.entries()) {
    ids[to] = oldIds[from] ?? 0;
    arrivals[to] = oldArrivals[from] ?? 0;
  }
}

/** Returns the index of the first row with an id of at least `id`. */
function lowerBound({ ids, rows }: Block, id: number): number {
  let [low, high] = [0, rows];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? 0) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
