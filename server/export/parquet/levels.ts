import { appendVarint } from "./thrift.ts";

/**
 * Levels of a column: 1 or 0 for each value. They say whether the value is there (definition), and whether it continues the row's list
 * (repetition). Source: Encodings.md of parquet-format, run length / bit-packing hybrid.
 */

/** Encodes `count` equal levels. */
export function equalLevels(level: 0 | 1, count: number): Uint8Array {
  const out: number[] = [];
  appendVarint(out, count * 2);
  out.push(level);
  return Uint8Array.from(out);
}

/** Encodes levels of one bit each. `isSet` gets the position of the level. */
export function packedLevels(count: number, isSet: (at: number) => boolean): Uint8Array {
  const head: number[] = [];
  const bytes = Math.ceil(count / 8);
  appendVarint(head, bytes * 2 + 1);
  const out = new Uint8Array(head.length + bytes);
  out.set(head);
  setBits(out, head.length, count, isSet);
  return out;
}

/** Sets bits from the lowest on. Booleans are stored in the same way. */
export function setBits(out: Uint8Array, from: number, count: number, isSet: (at: number) => boolean): void {
  for (let at = 0; at < count; at++)
    if (isSet(at)) out[from + (at >> 3)] = (out[from + (at >> 3)] as number) | (1 << (at & 7));
}
