import type { StreamKind } from "../../domain/stream-kinds.ts";
import { lineId } from "../../storage/ids/line-ids.ts";
import { recvUsAt } from "../../storage/line-stats.ts";

/** Puts lines that were received in the same µs in order of their ids, and of their bytes where those are equal as well. */
export type TieSorter = {
  /** Whole lines in order of `recv_us`. */
  add(lines: Buffer): void;
  flush(): void;
};

type Held = { readonly id: number; readonly line: Buffer };

/**
 * Two archives that are united one way or the other have the same order then. `onLines` gets what was added; valid during the call.
 * A line is held back until the time of the next one is known.
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
      /** Start of the lines that pass as they are. */
      let from = 0;
      let at = 0;
      while (at < lines.length) {
        const end = lines.indexOf(10, at);
        const us = recvUsAt(lines, at);
        const next = end + 1 < lines.length ? recvUsAt(lines, end + 1) : us;
        if (us === heldUs || us === next) {
          if (at > from) onLines(lines.subarray(from, at));
          if (us !== heldUs) flush();
          heldUs = us;
          hold(lines, at, end);
          from = end + 1;
        } else if (held.length > 0) flush();
        at = end + 1;
      }
      if (from < lines.length) onLines(lines.subarray(from));
    },
    flush,
  };
}
