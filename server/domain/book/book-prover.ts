import type { StreamFolder } from "../stream.ts";
import { createBookBuilder } from "./book-builder.ts";
import type { BookDifference, ProvedBooks, UnprovableReason } from "./book-proof.ts";
import type { BookDiff, BookImage, LevelList } from "./book-text.ts";
import { type ExactDecimal, paddedDecimal } from "./exact-decimal.ts";
import type { PriceLevels } from "./price-levels.ts";

/** Recorded books of one stream, in order of ids. */
export type Witness = {
  readonly stream: StreamFolder;
  /** A REST book shows part of the book from the best price on, and begins the next stretch of proof. */
  readonly isRest: boolean;
  /** Update id of the current book; Infinity at the end. */
  id(): number;
  /** Reads the current book; null if it has another form. */
  image(): BookImage | null;
  next(): void;
};

/** Compares recorded books with the book that REST books and diffs give. */
export type BookProver = {
  /** A REST book, at its receipt. `read` is called only if the prover needs a book to begin with. */
  restBook(read: () => BookImage | null): void;
  /** A diff, in order of receipt. Compares all witnesses as of its ids. */
  diff(diff: BookDiff): void;
  result(): ProvedBooks;
};

/** Most findings that are named. */
const mostNamed = 100;
/** Most differences that are told apart. */
const mostKept = 10_000;

/**
 * Creates the prover of one symbol. It compares
 * - a partial book, or the best prices, with the rebuilt book as of the same id;
 * - a REST book with the book rebuilt from the REST book before it. A REST book within the ids of a diff leaves out the prices that this diff
 *   touches. Then the proof goes on from the second REST book.
 *
 * A price beyond the levels of the first REST book is compared only if a diff has named it: the exchange sends at most 5,000 levels a side,
 * and the market may move past them.
 */
export function createBookProver(witnesses: readonly Witness[]): BookProver {
  const builder = createBookBuilder();
  const exact = witnesses.filter(({ isRest }) => !isRest);
  const restBooks = witnesses.filter(({ isRest }) => isRest);
  const counts: Record<StreamFolder, number> = {};
  const found: BookDifference[] = [];
  const kept = new Set<string>();
  const missing: { fromId: number; toId: number }[] = [];
  let [proved, comparedLevels, differences, diffs] = [0, 0, 0, 0];
  let hasBegun = false;
  let isBroken = false;
  /** Ids that a slower connection may still bring. */
  let awaited: { fromId: number; toId: number } | null = null;
  /** Worst prices of the REST book from which the book was rebuilt: between them, all levels are known. */
  let known = { bids: Number.POSITIVE_INFINITY, asks: 0 };

  function giveUp(): void {
    if (awaited === null) return;
    isBroken = true;
    if (missing.length < mostNamed) missing.push(awaited);
    awaited = null;
  }

  function begin(image: BookImage): void {
    known = {
      bids: image.bids.prices.at(-1) ?? Number.POSITIVE_INFINITY,
      asks: image.asks.prices.at(-1) ?? 0,
    };
  }

  function report(witness: Witness, side: "bids" | "asks", price: number, expected: ExactDecimal, ours: ExactDecimal) {
    const key = `${side} ${price} ${expected} ${ours}`;
    if (kept.has(key)) return;
    if (kept.size < mostKept) kept.add(key);
    differences++;
    if (found.length >= mostNamed) return;
    const { price: priceDecimals, quantity } = builder.decimals();
    found.push({
      stream: witness.stream,
      id: witness.id(),
      side: side === "bids" ? "bid" : "ask",
      price: paddedDecimal(price, priceDecimals),
      expected: paddedDecimal(expected, quantity),
      found: paddedDecimal(ours, quantity),
    });
  }

  function count(witness: Witness, levels: number): void {
    proved++;
    comparedLevels += levels;
    counts[witness.stream] = (counts[witness.stream] ?? 0) + 1;
  }

  /** Compares a partial book, or the best prices. */
  function compareTop(witness: Witness, image: BookImage): void {
    let levels = 0;
    for (const side of ["bids", "asks"] as const) {
      const isEqual = isTop(builder[side], image[side]);
      levels += isEqual ? image[side].prices.length : compareSide(witness, side, image[side], none);
    }
    count(witness, levels);
  }

  /** Compares a REST book, without the prices that `straddling` touches. */
  function compareRest(witness: Witness, image: BookImage, straddling: BookDiff | null): void {
    let levels = 0;
    for (const side of ["bids", "asks"] as const) {
      const touched = new Set(straddling?.[side].prices);
      levels += compareSide(witness, side, image[side], touched);
    }
    count(witness, levels);
  }

  /** Compares a side level by level, both ways. Returns how many levels were compared. */
  function compareSide(
    witness: Witness,
    side: "bids" | "asks",
    { prices, quantities }: LevelList,
    touched: ReadonlySet<number>,
  ): number {
    const ours = builder[side];
    const isKnown = (price: number) => (side === "bids" ? price >= known.bids : price <= known.asks);
    let compared = 0;
    for (const [n, price] of prices.entries()) {
      if (touched.has(price)) continue;
      const quantity = ours.quantityAt(price);
      if (quantity === 0 && !isKnown(price)) continue;
      compared++;
      const expected = quantities[n] as ExactDecimal;
      if (quantity !== expected) report(witness, side, price, expected, quantity);
    }
    const theirs = new Set(prices);
    const worst = prices.at(-1);
    for (let rank = 0; worst !== undefined && rank < ours.size(); rank++) {
      const price = ours.price(rank);
      if (side === "bids" ? price < worst : price > worst) break;
      if (!theirs.has(price) && !touched.has(price)) report(witness, side, price, 0, ours.quantity(rank));
    }
    return compared;
  }

  /** Compares the REST books as of an id from `fromId` to `toId`, and goes on from them. */
  function passRestBooks(fromId: number, toId: number, straddling: BookDiff | null): void {
    for (const witness of restBooks) {
      while (witness.id() < fromId) witness.next();
      for (; witness.id() <= toId; witness.next()) {
        const image = witness.image();
        if (image === null) continue;
        compareRest(witness, image, straddling);
        builder.gap();
        builder.restBook(image);
        begin(image);
      }
    }
  }

  return {
    restBook(read) {
      if (builder.isValid()) return;
      const image = read();
      if (image === null || builder.restBook(image) === "ignored") return;
      giveUp();
      begin(image);
      hasBegun = true;
      // A book does not prove itself.
      for (const witness of restBooks) while (witness.id() <= image.lastUpdateId) witness.next();
    },
    diff(diff) {
      diffs++;
      const before = builder.isValid() ? builder.lastId() : null;
      // Only a diff without missing ids before it tells which prices changed since.
      if (before !== null && diff.firstId <= before + 1) passRestBooks(before, diff.lastId - 1, diff);
      const step = builder.diff(diff);
      if (step === "lost" && before !== null) awaited = { fromId: before + 1, toId: diff.firstId - 1 };
      else if (step === "begun") awaited = null;
      const id = builder.lastId();
      if (id === null || !builder.isValid()) return;
      for (const witness of exact) {
        while (witness.id() < id) witness.next();
        for (; witness.id() === id; witness.next()) {
          const image = witness.image();
          if (image !== null) compareTop(witness, image);
        }
      }
      passRestBooks(id, id, null);
    },
    result() {
      giveUp();
      const unprovable: UnprovableReason | null = isBroken
        ? "missing_ids"
        : proved > 0
          ? null
          : hasBegun || diffs === 0
            ? "no_witness"
            : "no_rest_book";
      return { proved, compared_levels: comparedLevels, differences, unprovable, found, missing, witnesses: counts };
    },
  };
}

const none: ReadonlySet<number> = new Set();

/** Tests whether these are the best levels of a side. */
function isTop(side: PriceLevels, { prices, quantities }: LevelList): boolean {
  if (side.size() < prices.length) return false;
  for (let rank = 0; rank < prices.length; rank++)
    if (side.price(rank) !== prices[rank] || side.quantity(rank) !== quantities[rank]) return false;
  return true;
}
