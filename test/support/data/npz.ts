import { readFileSync } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";

/** A row of hftbacktest's events. Times in ns. */
export type EventRow = {
  readonly ev: number;
  readonly exch: bigint;
  readonly local: bigint;
  readonly px: number;
  readonly qty: number;
};

/** Flags of `ev` by hftbacktest's documentation. */
export const flags = { exchange: 0x8000_0000, local: 0x4000_0000, buy: 0x2000_0000, sell: 0x1000_0000 };

/** Unpacks `data.npy` from an `.npz` by the central directory, as readers of ZIP do. */
export function unpackNpz(path: string): Buffer {
  const zip = readFileSync(path);
  const end = zip.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const entry = zip.readUInt32LE(end + 16);
  const [crc, deflated, size] = [16, 20, 24].map((at) => zip.readUInt32LE(entry + at)) as [number, number, number];
  const from = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  const npy = inflateRawSync(zip.subarray(from, from + deflated));
  if (npy.length !== size || crc32(npy) !== crc) throw new Error(`${path} is damaged`);
  return npy;
}

/** Reads the events of an `.npz`, without code of the program. */
export function readEvents(path: string): EventRow[] {
  const npy = unpackNpz(path);
  const rows: EventRow[] = [];
  for (let at = 10 + npy.readUInt16LE(8); at < npy.length; at += 64)
    rows.push({
      ev: Number(npy.readBigUInt64LE(at)),
      exch: npy.readBigInt64LE(at + 8),
      local: npy.readBigInt64LE(at + 16),
      px: npy.readDoubleLE(at + 24),
      qty: npy.readDoubleLE(at + 32),
    });
  return rows;
}

/** A book that follows events as hftbacktest's documentation says. Prices and quantities by side. */
export function eventBook() {
  const sides = { bids: new Map<number, number>(), asks: new Map<number, number>() };

  function clear(levels: Map<number, number>, isCleared: (price: number) => boolean): void {
    for (const price of [...levels.keys()]) if (isCleared(price)) levels.delete(price);
  }

  return {
    apply({ ev, px, qty }: EventRow): void {
      const kind = ev % 256;
      const isBuy = (ev & flags.buy) !== 0;
      const levels = isBuy ? sides.bids : sides.asks;
      if (kind === 3 && (ev & (flags.buy | flags.sell)) === 0) {
        sides.bids.clear();
        sides.asks.clear();
      } else if (kind === 3) clear(levels, (price) => !Number.isFinite(px) || (isBuy ? price >= px : price <= px));
      else if (kind === 1 || kind === 4) {
        if (qty === 0) levels.delete(px);
        else levels.set(px, qty);
      }
    },
    /** The best levels of a side, best first. */
    best(side: "bids" | "asks", count = Number.POSITIVE_INFINITY): (readonly [number, number])[] {
      return [...sides[side]].sort(([a], [b]) => (side === "bids" ? b - a : a - b)).slice(0, count);
    },
  };
}
