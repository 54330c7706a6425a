import { createBookBuilder } from "../../domain/book/book-builder.ts";
import type { LevelList } from "../../domain/book/book-text.ts";
import { createBookWindow } from "../../domain/book/book-window.ts";
import type { ExactDecimal } from "../../domain/book/exact-decimal.ts";
import type { PriceLevels } from "../../domain/book/price-levels.ts";
import type { BookRecord, TimedDiff } from "./market-record.ts";

/** Both sides of a book, or of its change. */
export type BookSides = { readonly bids: LevelList; readonly asks: LevelList };

/** The levels of a side by rank, 0 the best. */
export type RankedLevels = Pick<PriceLevels, "size" | "price" | "quantity">;

/** What a record says about the book. */
export type BookNews =
  | { readonly kind: "nothing" }
  /** The book is known, and it is all new. */
  | { readonly kind: "whole" }
  | { readonly kind: "change"; readonly change: BookSides }
  /** Records are missing: the book is unknown until the next "whole". */
  | { readonly kind: "lost" };

/** A book that is rebuilt from the records of one stream, in order of receipt. */
export type FollowedBook = {
  take(record: BookRecord): BookNews;
  /** Every level, best first; null while the book is unknown. */
  sides(): BookSides | null;
  /** The levels of a side by rank, 0 the best. Undefined while the book is unknown. */
  levels(side: "bids" | "asks"): RankedLevels;
  /** Event time of the newest diff in the book, µs; null if the stream has no event times, or the book is a REST book. */
  timeUs(): number | null;
};

const nothing = { kind: "nothing" } as const;
const whole = { kind: "whole" } as const;

/** Creates a book that is rebuilt from REST books and diffs. */
export function createDiffBook(): FollowedBook {
  const builder = createBookBuilder<TimedDiff>();
  return {
    take(record) {
      if (record.kind === "partialBook") return nothing;
      const step = record.kind === "diff" ? builder.diff(record.diff) : builder.restBook(record.image);
      if (step === "begun") return whole;
      if (step === "updated" && record.kind === "diff") return { kind: "change", change: record.diff };
      return step === "lost" ? { kind: "lost" } : nothing;
    },
    sides: () => (builder.isValid() ? { bids: listOf(builder.bids), asks: listOf(builder.asks) } : null),
    levels: (side) => builder[side],
    timeUs: () => builder.lastDiff()?.timeUs ?? null,
  };
}

/** Creates a book of the best levels that a partial depth stream shows. */
export function createPartialBook(): FollowedBook {
  const window = createBookWindow();
  return {
    take(record) {
      if (record.kind !== "partialBook") return nothing;
      const isFirst = window.image() === null;
      const change = window.next(record.image);
      if (change === null) return nothing;
      return isFirst ? whole : { kind: "change", change };
    },
    sides: window.image,
    levels(side) {
      const { prices, quantities } = window.image()?.[side] ?? { prices: [], quantities: [] };
      return {
        size: () => prices.length,
        price: (rank) => prices[rank] as number,
        quantity: (rank) => quantities[rank] as ExactDecimal,
      };
    },
    timeUs: () => null,
  };
}

function listOf(levels: PriceLevels): LevelList {
  const prices: number[] = [];
  const quantities: ExactDecimal[] = [];
  for (let rank = 0; rank < levels.size(); rank++) {
    prices.push(levels.price(rank));
    quantities.push(levels.quantity(rank));
  }
  return { prices, quantities };
}
