import type { StreamKind } from "../../domain/stream-kinds.ts";
import { lineId } from "../../storage/ids/line-ids.ts";

/** Tracks the lowest and highest id of lines in any order; null before the first id. */
export type IdSpan = { add(lines: Buffer): void; span(): { readonly lowest: number; readonly highest: number } | null };

/** Creates an empty id span. Lines without an id are ignored. */
export function createIdSpan(kind: StreamKind | undefined): IdSpan {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = -1;
  return {
    add(lines) {
      if (kind === undefined) return;
      for (let at = 0; at < lines.length; ) {
        const end = lines.indexOf(10, at);
        const id = lineId(lines, at, end, kind);
        if (id > highest) highest = id;
        if (id >= 0 && id < lowest) lowest = id;
        at = end + 1;
      }
    },
    span: () => (highest < 0 ? null : { lowest, highest }),
  };
}
