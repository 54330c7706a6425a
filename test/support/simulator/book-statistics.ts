import { constants, zstdCompressSync } from "node:zlib";
import { encodeLine } from "../../../server/domain/line.ts";

/** A partial depth payload with the time of its tick or receipt, µs. */
export type Frame = { readonly recvUs: number; readonly payload: string };

/** A market order: everything that traded at one time. */
export type TakerTrade = { readonly timeMs: number; readonly lots: number; readonly fills: number };

/** Statistics by which the synthetic market is compared with a real market. */
export type Statistics = Record<(typeof measures)[number], number>;

export const measures = [
  "bytes per frame",
  "ticks without change",
  "update ids per frame",
  "spread, ticks",
  "best bid moves per frame",
  "levels new per frame",
  "quantities changed per frame",
  "frames with an equal book",
  "top 20 span, bp",
  "log spread of quantities",
  "quantities with at most 2 digits",
  "quantities seen before",
  "trades per second",
  "log spread of trade sizes",
  "zstd -3 bytes per frame",
  "zstd -19 bytes per frame",
] as const;

/** Frames that are compressed at level 19, which takes a second for 2000 of them. */
const highLevelFrames = 700;

type Level = readonly [price: string, quantity: string];
type Book = { readonly lastUpdateId: number; readonly bids: readonly Level[]; readonly asks: readonly Level[] };

/** Statistics of one symbol's frames at 100 ms and trade payloads. `tick` is the tick size. */
export function statisticsOf(frames: readonly Frame[], trades: readonly string[], tick: number): Statistics {
  const books = frames.map((frame) => JSON.parse(frame.payload) as Book);
  const spanUs = (frames.at(-1)?.recvUs ?? 0) - (frames[0]?.recvUs ?? 0);
  const pairs = books.slice(1).map((book, n) => changeBetween(books[n] as Book, book));
  const quantities = books.flatMap((book) => [...book.bids, ...book.asks].map(([, quantity]) => Number(quantity)));
  const sizes = trades.map((payload) => Number(/"q":"([\d.]+)"/.exec(payload)?.[1]));
  const lines = frames.map((frame) => encodeLine(frame.payload, frame.recvUs, 114));
  const some = lines.slice(0, highLevelFrames);
  return {
    "bytes per frame": mean(frames.map((frame) => frame.payload.length)),
    "ticks without change": 1 - (frames.length - 1) / (spanUs / 100_050),
    "update ids per frame": mean(pairs.map((pair) => pair.ids)),
    "spread, ticks": mean(books.map((book) => (price(book.asks, 0) - price(book.bids, 0)) / tick)),
    "best bid moves per frame": mean(pairs.map((pair) => (pair.moved ? 1 : 0))),
    "levels new per frame": mean(pairs.map((pair) => pair.levels)),
    "quantities changed per frame": mean(pairs.map((pair) => pair.quantities)),
    "frames with an equal book": mean(pairs.map((pair) => (pair.levels + pair.quantities === 0 ? 1 : 0))),
    "top 20 span, bp": median(books.map((book) => (1 - price(book.bids, 19) / price(book.bids, 0)) * 1e4)),
    "log spread of quantities": deviation(quantities.map(Math.log)),
    "quantities with at most 2 digits": mean(quantities.map((quantity) => (isRound(quantity) ? 1 : 0))),
    "quantities seen before": seenBefore(books),
    "trades per second": trades.length / (spanUs / 1e6),
    "log spread of trade sizes": deviation(sizes.map(Math.log)),
    "zstd -3 bytes per frame": compressed(lines, 3) / lines.length,
    "zstd -19 bytes per frame": compressed(some, 19) / some.length,
  };
}

function changeBetween(before: Book, after: Book) {
  let levels = 0;
  let quantities = 0;
  for (const side of ["bids", "asks"] as const) {
    const known = new Map(before[side]);
    for (const [price, quantity] of after[side]) {
      const old = known.get(price);
      if (old === undefined) levels += 1;
      else if (old !== quantity) quantities += 1;
    }
  }
  const moved = before.bids[0]?.[0] !== after.bids[0]?.[0];
  return { levels, quantities, moved, ids: after.lastUpdateId - before.lastUpdateId };
}

/** Share of the quantities of new levels that were in the book at some time in the last 100 frames. */
function seenBefore(books: readonly Book[]): number {
  const lastSeen = new Map<string, number>();
  let fresh = 0;
  let seen = 0;
  books.forEach((book, n) => {
    for (const side of ["bids", "asks"] as const) {
      const known = new Map(books[n - 1]?.[side] ?? []);
      for (const [price, quantity] of book[side]) {
        if (n > 0 && !known.has(price)) {
          fresh += 1;
          if (n - (lastSeen.get(quantity) ?? -1000) <= 100) seen += 1;
        }
      }
      for (const [, quantity] of book[side]) lastSeen.set(quantity, n);
    }
  });
  return seen / fresh;
}

function compressed(lines: readonly string[], level: number): number {
  return zstdCompressSync(lines.join(""), { params: { [constants.ZSTD_c_compressionLevel]: level } }).length;
}

function isRound(quantity: number): boolean {
  return Number(quantity.toPrecision(2)) === quantity;
}

function price(levels: readonly Level[], rank: number): number {
  return Number(levels[rank]?.[0]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function deviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
}
