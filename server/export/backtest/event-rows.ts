import type { NpyField } from "./npz-file.ts";

/** The fields of hftbacktest's events (2.x), 64 bytes. Times: ns since the Unix epoch. */
export const eventFields: readonly NpyField[] = [
  ["ev", "<u8"],
  ["exch_ts", "<i8"],
  ["local_ts", "<i8"],
  ["px", "<f8"],
  ["qty", "<f8"],
  ["order_id", "<u8"],
  ["ival", "<i8"],
  ["fval", "<f8"],
];

/** Kinds of events, in the lowest 8 bits of `ev`. */
export const depthEvent = 1;
export const tradeEvent = 2;
export const clearEvent = 3;
export const snapshotEvent = 4;

/** Flags of `ev`. A trade's side is its taker's. */
export const exchangeFlag = 2 ** 31;
export const localFlag = 2 ** 30;
export const buyFlag = 2 ** 29;
export const sellFlag = 2 ** 28;

const rowBytes = eventFields.length * 8;
const rowsAtOnce = 2048;
const wordRange = 2 ** 32;

/** Writes events as rows of the array. */
export type EventRows = {
  /** Adds a row. Times in whole µs since the Unix epoch. */
  add(ev: number, exchUs: number, localUs: number, price: number, quantity: number): void;
  /** Passes the last rows on. */
  flush(): void;
  rows(): number;
};

/** Creates the rows; `write` receives their bytes and must use them at once. */
export function createEventRows(write: (bytes: Uint8Array) => void): EventRows {
  const memory = new ArrayBuffer(rowsAtOnce * rowBytes);
  const [words, doubles] = [new Uint32Array(memory), new Float64Array(memory)];
  let waiting = 0;
  let rows = 0;

  function flush(): void {
    if (waiting > 0) write(new Uint8Array(memory, 0, waiting * rowBytes));
    waiting = 0;
  }

  return {
    add(ev, exchUs, localUs, price, quantity) {
      if (waiting === rowsAtOnce) flush();
      const at = waiting * (rowBytes / 8);
      words[2 * at] = ev;
      setNanoseconds(words, 2 * at + 2, exchUs);
      setNanoseconds(words, 2 * at + 4, localUs);
      doubles[at + 3] = price;
      doubles[at + 4] = quantity;
      waiting++;
      rows++;
    },
    flush,
    rows: () => rows,
  };
}

/** Stores µs as ns in two words of 32 bits. In one number, ns of today would not be exact. */
export function setNanoseconds(words: Uint32Array, at: number, us: number): void {
  const upper = Math.floor(us / wordRange);
  const lower = (us - upper * wordRange) * 1000;
  words[at] = lower % wordRange;
  words[at + 1] = upper * 1000 + Math.floor(lower / wordRange);
}
