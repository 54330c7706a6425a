import type { BookDiff, BookImage, Decimals, LevelList } from "./book-text.ts";
import type { ExactDecimal } from "./exact-decimal.ts";
import { createPriceLevels, type PriceLevels } from "./price-levels.ts";

/**
 * What a record did to the book.
 *
 * | step | meaning |
 * |---|---|
 * | `begun` | The book has become valid. Followers must reload all levels. |
 * | `updated` | A diff was applied to the valid book: its levels are the change. |
 * | `lost` | The book was valid and is not any more. |
 * | `held` | The book is not valid; the diff is kept until a REST book or an earlier diff arrives. |
 * | `ignored` | No change: the book contains the diff already, or does not need the REST book, or the REST book is too old. |
 */
export type BookStep = "begun" | "updated" | "lost" | "held" | "ignored";

/**
 * The order book of one symbol, rebuilt from REST books and diffs in the order in which they were received. `D` may carry more than a diff
 * needs, e.g. its event time.
 */
export type BookBuilder<D extends BookDiff = BookDiff> = {
  diff(diff: D): BookStep;
  restBook(image: BookImage): BookStep;
  /** Says that records may be missing from here on. The book is valid again from a diff that follows without a missing id, or from a REST book. */
  gap(): BookStep;
  isValid(): boolean;
  /** The update id as of which the book is; null before the first REST book. */
  lastId(): number | null;
  /** The newest diff in the book; null if no diff followed the REST book. */
  lastDiff(): D | null;
  /** The sides. They have no meaning while the book is not valid. */
  readonly bids: PriceLevels;
  readonly asks: PriceLevels;
  /** Most digits behind the point that any text had. */
  decimals(): Decimals;
};

/** Most diffs, and levels in them, that are held while no REST book arrives: more than ten minutes of a busy symbol. */
const mostHeld = 10_000;
const mostHeldLevels = 500_000;
/** Diffs in a row with ids below the book's. Late diffs are few, so the exchange has begun a new numbering. */
const mostOld = 1000;

/**
 * Creates a builder without a book. The rules of the exchange, in the form that holds for all cases:
 *
 * - A REST book is old when it arrives. It counts if the first held diff with `u > lastUpdateId` has `U <= lastUpdateId + 1`; the diffs up to
 *   `lastUpdateId` are dropped, the others applied.
 * - A diff follows if it begins at or before the next id and ends behind the book's. A diff of futures must name the book's id as its `pu`.
 * - A diff of a slower connection may come late. Diffs behind a missing id are held, and the late diff makes the book valid again.
 *
 * Source: web-socket-streams.md, "How to manage a local order book correctly".
 */
export function createBookBuilder<D extends BookDiff = BookDiff>(): BookBuilder<D> {
  const bids = createPriceLevels("bids");
  const asks = createPriceLevels("asks");
  const decimals = { price: 0, quantity: 0 };
  /** Diffs for which the book is not ready, in order of ids. */
  let held: D[] = [];
  let heldLevels = 0;
  let id: number | null = null;
  let newest: D | null = null;
  let isValid = false;
  let oldInARow = 0;

  function apply(diff: D): void {
    setAll(bids, diff.bids);
    setAll(asks, diff.asks);
    noteDecimals(diff.decimals);
    id = diff.lastId;
    newest = diff;
  }

  function hold(diff: D): void {
    let at = held.length;
    while (at > 0 && (held[at - 1] as D).lastId > diff.lastId) at--;
    held.splice(at, 0, diff);
    heldLevels += levelsOf(diff);
    while (held.length > mostHeld || heldLevels > mostHeldLevels) heldLevels -= levelsOf(held.shift() as D);
  }

  /** Applies the held diffs that follow; the book is valid if all follow. */
  function applyHeld(): BookStep {
    let count = 0;
    for (const diff of held) {
      if (id === null) break;
      if (diff.lastId > id) {
        if (!follows(diff, id, newest === null)) break;
        apply(diff);
      }
      heldLevels -= levelsOf(diff);
      count++;
    }
    if (count > 0) held = held.slice(count);
    isValid = id !== null && held.length === 0;
    return isValid ? "begun" : "held";
  }

  function noteDecimals(seen: Decimals): void {
    if (seen.price > decimals.price) decimals.price = seen.price;
    if (seen.quantity > decimals.quantity) decimals.quantity = seen.quantity;
  }

  function lose(): BookStep {
    const step = isValid ? "lost" : "ignored";
    isValid = false;
    oldInARow = 0;
    return step;
  }

  return {
    bids,
    asks,
    diff(diff) {
      if (!isValid || id === null) {
        hold(diff);
        return applyHeld();
      }
      if (diff.lastId <= id) {
        if (++oldInARow < mostOld) return "ignored";
        id = null;
        hold(diff);
        return lose();
      }
      if (!follows(diff, id, newest === null)) {
        hold(diff);
        return lose();
      }
      oldInARow = 0;
      apply(diff);
      return "updated";
    },
    restBook(image) {
      if (isValid) return "ignored";
      const next = held.find(({ lastId }) => lastId > image.lastUpdateId);
      if (next !== undefined && !follows(next, image.lastUpdateId, true)) return "ignored";
      load(bids, image.bids);
      load(asks, image.asks);
      noteDecimals(image.decimals);
      id = image.lastUpdateId;
      newest = null;
      return applyHeld();
    },
    gap: lose,
    isValid: () => isValid,
    lastId: () => id,
    lastDiff: () => newest,
    decimals: () => decimals,
  };
}

/** Tests whether a diff that ends behind `id` continues a book as of `id`. `isRest`: no diff has been applied to the REST book yet. */
function follows(diff: BookDiff, id: number, isRest: boolean): boolean {
  if (diff.previousId === null || isRest) return diff.firstId <= id + 1;
  return diff.previousId === id;
}

function levelsOf({ bids, asks }: BookDiff): number {
  return bids.prices.length + asks.prices.length;
}

function setAll(side: PriceLevels, { prices, quantities }: LevelList): void {
  for (let n = 0; n < prices.length; n++) side.set(prices[n] as number, quantities[n] as ExactDecimal);
}

/** Replaces a side. Levels come best first, and a side takes them in quickest the other way round. */
function load(side: PriceLevels, { prices, quantities }: LevelList): void {
  side.clear();
  for (let n = prices.length - 1; n >= 0; n--) side.set(prices[n] as number, quantities[n] as ExactDecimal);
}
