/**
 * Compresses a page with Snappy. Source: format_description.txt of google/snappy. Finds repetitions of four bytes and more within 64 KB
 * by a table of their latest places.
 */
export function compressSnappy(input: Uint8Array): Uint8Array {
  const out = new Uint8Array(32 + input.length + Math.ceil(input.length / 6));
  const view = new DataView(input.buffer, input.byteOffset, input.length);
  let to = 0;
  for (let rest = input.length; ; rest = Math.floor(rest / 128)) {
    out[to++] = rest < 128 ? rest : (rest % 128) + 128;
    if (rest < 128) break;
  }
  for (let from = 0; from < input.length; from += fragmentBytes)
    to = compressFragment(input, view, from, Math.min(input.length, from + fragmentBytes), out, to);
  return out.subarray(0, to);
}

/** Repetitions are looked for within fragments, so that all distances fit into 16 bits. */
const fragmentBytes = 65_536;
const tableBits = 13;
/** The latest place of four bytes within the fragment, plus one; 0 if there is no place. */
const places = new Int32Array(1 << tableBits);

function compressFragment(
  input: Uint8Array,
  view: DataView,
  from: number,
  end: number,
  out: Uint8Array,
  start: number,
): number {
  places.fill(0);
  let to = start;
  let literalFrom = from;
  let misses = 0;
  for (let at = from; at + 4 <= end; ) {
    const word = view.getInt32(at, true);
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - tableBits);
    const before = (places[hash] as number) - 1 + from;
    places[hash] = at - from + 1;
    if (before < from || view.getInt32(before, true) !== word) {
      // Steps grow in data without repetitions.
      at += 1 + (misses++ >> 5);
      continue;
    }
    misses = 0;
    let length = 4;
    while (at + length < end && input[before + length] === input[at + length]) length++;
    to = appendLiteral(input, literalFrom, at, out, to);
    to = appendCopy(at - before, length, out, to);
    at += length;
    literalFrom = at;
  }
  return appendLiteral(input, literalFrom, end, out, to);
}

function appendLiteral(input: Uint8Array, from: number, end: number, out: Uint8Array, start: number): number {
  if (from === end) return start;
  let to = start;
  const length = end - from - 1;
  if (length < 60) out[to++] = length << 2;
  else if (length < 256) {
    out[to++] = 60 << 2;
    out[to++] = length;
  } else {
    out[to++] = 61 << 2;
    out[to++] = length & 0xff;
    out[to++] = length >> 8;
  }
  out.set(input.subarray(from, end), to);
  return to + end - from;
}

/** Appends copies of at most 64 bytes each, with distances of 16 bits. */
function appendCopy(distance: number, length: number, out: Uint8Array, start: number): number {
  let to = start;
  for (let left = length; left > 0; ) {
    const part = Math.min(64, left);
    out[to++] = ((part - 1) << 2) | 2;
    out[to++] = distance & 0xff;
    out[to++] = distance >> 8;
    left -= part;
  }
  return to;
}
