import { appendVarint, zigzag } from "./thrift.ts";

const blockValues = 128;
const miniBlocks = 4;
const miniValues = blockValues / miniBlocks;

/**
 * Encodes whole numbers as DELTA_BINARY_PACKED: each as the difference to the number before, in as few bits as its group of 32 needs.
 * Times and ids take one to three bytes instead of eight. The numbers and their differences must be exact in a double.
 * Source: Encodings.md of parquet-format.
 */
export function encodeDeltas(values: ArrayLike<number>): Uint8Array {
  const count = values.length;
  const head: number[] = [];
  for (const value of [blockValues, miniBlocks, count]) appendVarint(head, value);
  appendVarint(head, zigzag(values[0] ?? 0));
  // A block of 128 differences takes at most 8 bytes a difference, 4 widths, and 10 bytes for the least.
  const out = new Uint8Array(head.length + Math.ceil(count / blockValues) * (blockValues * 8 + 14));
  out.set(head);
  let at = head.length;
  const deltas = new Float64Array(blockValues);
  for (let first = 1; first < count; first += blockValues) {
    const length = Math.min(blockValues, count - first);
    let least = Number.POSITIVE_INFINITY;
    for (let n = 0; n < length; n++) {
      const delta = (values[first + n] as number) - (values[first + n - 1] as number);
      deltas[n] = delta;
      if (delta < least) least = delta;
    }
    for (let n = 0; n < length; n++) deltas[n] = (deltas[n] as number) - least;
    deltas.fill(0, length);
    at = appendBlock(out, at, least, deltas, length);
  }
  return out.subarray(0, at);
}

function appendBlock(out: Uint8Array, from: number, least: number, deltas: Float64Array, length: number): number {
  const head: number[] = [];
  appendVarint(head, zigzag(least));
  out.set(head, from);
  const widthsAt = from + head.length;
  let at = widthsAt + miniBlocks;
  for (let mini = 0; mini < miniBlocks; mini++) {
    const first = mini * miniValues;
    // Groups behind the last number have no bytes.
    if (first >= length) {
      out[widthsAt + mini] = 0;
      continue;
    }
    let most = 0;
    for (let n = first; n < first + miniValues; n++) if ((deltas[n] as number) > most) most = deltas[n] as number;
    const width = bitsOf(most);
    out[widthsAt + mini] = width;
    at = pack(out, at, deltas, first, width);
  }
  return at;
}

/** Number of bits that a whole number from 0 needs. */
function bitsOf(value: number): number {
  const high = Math.floor(value / 2 ** 32);
  return high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(value);
}

/** Appends a group of 32 numbers, each in `width` bits, the lowest bits first: `4 × width` bytes. */
function pack(out: Uint8Array, from: number, values: Float64Array, first: number, width: number): number {
  let at = from;
  let held = 0;
  let bits = 0;
  for (let n = first; n < first + miniValues; n++) {
    let rest = values[n] as number;
    for (let left = width; left > 0; ) {
      const step = Math.min(left, 16);
      held |= (left <= 16 ? rest : rest % 65_536) << bits;
      bits += step;
      for (; bits >= 8; bits -= 8) {
        out[at++] = held & 0xff;
        held >>>= 8;
      }
      rest = Math.floor(rest / 65_536);
      left -= step;
    }
  }
  return at;
}
