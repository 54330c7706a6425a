import { type ExactDecimal, plainDecimal } from "../../domain/book/exact-decimal.ts";
import type { FollowedBook, RankedLevels } from "../market/followed-book.ts";

/** Levels a side of each type of rows about the best levels. */
const depths = { book_snapshot_25: 25, book_snapshot_5: 5, quotes: 1 } as const;

/** Writes a row whenever the best levels of a book have changed. `head`: the columns that the row begins with. */
export function createTopRows(type: keyof typeof depths, book: FollowedBook, write: (row: string) => void) {
  const depth = depths[type];
  const sides = { bids: createTop(depth), asks: createTop(depth) };
  return {
    update(head: string): void {
      const isNew = [sides.bids.update(book.levels("bids")), sides.asks.update(book.levels("asks"))].includes(true);
      if (isNew) write(`${head},${type === "quotes" ? quote() : levels()}`);
    },
  };

  function quote(): string {
    const [ask, bid] = [sides.asks.level(0), sides.bids.level(0)];
    return `${ask[1]},${ask[0]},${bid[0]},${bid[1]}`;
  }

  function levels(): string {
    const cells: string[] = [];
    for (let rank = 0; rank < depth; rank++) cells.push(...sides.asks.level(rank), ...sides.bids.level(rank));
    return cells.join(",");
  }
}

/** Remembers the best levels of a side. */
function createTop(depth: number) {
  const prices: number[] = [];
  const quantities: ExactDecimal[] = [];
  /** The same as text; empty for a level that does not exist. */
  const texts: (readonly [price: string, amount: string])[] = [];
  const absent = ["", ""] as const;
  return {
    /** Takes the levels as they are; true if a level has changed. */
    update(levels: RankedLevels): boolean {
      const size = Math.min(depth, levels.size());
      let isNew = size !== prices.length;
      prices.length = size;
      quantities.length = size;
      texts.length = size;
      for (let rank = 0; rank < size; rank++) {
        const price = levels.price(rank);
        const quantity = levels.quantity(rank);
        if (prices[rank] === price && quantities[rank] === quantity && texts[rank] !== undefined) continue;
        isNew = true;
        prices[rank] = price;
        quantities[rank] = quantity;
        texts[rank] = [plainDecimal(price), plainDecimal(quantity)];
      }
      return isNew;
    },
    level: (rank: number): readonly [price: string, amount: string] => texts[rank] ?? absent,
  };
}
