import type { StreamKind } from "../../domain/stream-kinds.ts";
import { lineId } from "../../storage/ids/line-ids.ts";
import { recvUsAt } from "../../storage/line-stats.ts";

/** Sorts lines received in the same µs by id, then by bytes. */
export type TieSorter = {
  /** Adds whole lines in order of `recv_us`. */
  add(lines: Buffer): void;
  flush(): void;
};

type Held = { readonly id: number; readonly line: Buffer };

/**
 * Creates a sorter that makes the order of combined archives independent of the order of the inputs. `onLines` receives the added
 * lines; the buffer is valid during the call. A line with the time of its neighbour is held until a later time arrives.
 */
export function createTieSorter(kind: StreamKind, onLines: (lines: Buffer) => void): TieSorter {
  let held: Held[] = [];
  let heldUs = -1;

  function flush(): void {
    held.sort((a, b) => a.id - b.id || Buffer.compare(a.line, b.line));
    for (const { line } of held) onLines(line);
    held = [];
  }

  function hold(lines: Buffer, at: number, end: number): void {
    held.push({ id: lineId(lines, at, end, kind), line: Buffer.from(lines.subarray(at, end + 1)) });
  }

  return {
    add(lines) {
      /** Start of the lines that are passed on unchanged. */
      let passFrom = 0;
      let at = 0;
      while (at < lines.length) {
        const end = lines.indexOf(10, at);
        const us = recvUsAt(lines, at);
        const next = end + 1 < lines.length ? recvUsAt(lines, end + 1) : us;
        if (us === heldUs || us === next) {
          if (at > passFrom) onLines(lines.subarray(passFrom, at));
          if (us !== heldUs) flush();
          heldUs = us;
          hold(lines, at, end);
          passFrom = end + 1;
        } else if (held.length > 0) flush();
        at = end + 1;
      }
      if (passFrom < lines.length) onLines(lines.subarray(passFrom));
    },
    flush,
  };
}
