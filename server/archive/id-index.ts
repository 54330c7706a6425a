import type { StreamKind } from "../stream.ts";
import { FileError } from "./failure.ts";
import { arrivalUs, lineId } from "./line-id.ts";
import { openLines } from "./line-source.ts";

/** Answers when an archive received a record, for ids that are asked about in nearly the order of the archive. */
export type IdIndex = {
  /** `arrivalUs` of the first line with this id, or null if the archive has none. Throws UnreadableFile, FileError. */
  arrivalOf(id: number): number | null;
  close(): void;
};

type Block = { readonly arrivals: Map<number, number>; highest: number };

/** Rows a block; ids may be out of order by as many without being missed. */
const blockRows = 32_768;

/** Blocks held: the one that is asked about, one before, and two ahead. */
const mostBlocks = 4;

/**
 * Reads along an archive of lines. Ids rise nearly always; where a clock was put back or trades were refetched they are out of
 * order for a while, which is allowed for. An id that lies too far back for a sure answer is an error: no answer would be a
 * doubled row. Bounded memory.
 */
export function createIdIndex(path: string, kind: StreamKind): IdIndex {
  const source = openLines(path);
  const blocks: Block[] = [];
  let forgotten = -1;
  let ended = false;

  function readBlock(): void {
    const block: Block = { arrivals: new Map(), highest: -1 };
    for (let rows = 0; rows < blockRows; ) {
      if (!source.fill()) {
        ended = true;
        break;
      }
      const end = source.bytes.indexOf(10, source.from);
      const id = lineId(source.bytes, source.from, end, kind);
      if (id >= 0 && !block.arrivals.has(id)) block.arrivals.set(id, arrivalUs(source.bytes, source.from, end));
      block.highest = Math.max(block.highest, id);
      source.from = end + 1;
      rows++;
    }
    blocks.push(block);
    if (blocks.length > mostBlocks) forgotten = Math.max(forgotten, blocks.shift()?.highest ?? -1);
  }

  return {
    arrivalOf(id) {
      while (!ended && !((blocks.at(-2)?.highest ?? -1) > id)) readBlock();
      for (const { arrivals } of blocks) {
        const found = arrivals.get(id);
        if (found !== undefined) return found;
      }
      if (id > forgotten) return null;
      const hint =
        "its ids and those of the other archive are too far out of order to be compared; look at both clocks";
      throw new FileError("unite", path, hint);
    },
    close: source.close,
  };
}
