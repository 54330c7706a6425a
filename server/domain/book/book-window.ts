import type { BookImage, LevelList } from "./book-text.ts";
import type { ExactDecimal } from "./exact-decimal.ts";

/** What turns one partial book into the next, per side: removed prices first, with quantity 0, then new and changed levels. */
export type WindowChange = { readonly bids: LevelList; readonly asks: LevelList };

/** Follows partial books (`depth5`, `depth10`, `depth20`): each is all that is known of the book, so a price outside it is unknown. */
export type BookWindow = {
  /** Takes the next partial book. Null for a partial book of a slower connection, which is older than one before. */
  next(image: BookImage): WindowChange | null;
  /** The newest partial book; null before the first. */
  image(): BookImage | null;
};

/** Creates a window without a book. The first partial book is all new. */
export function createBookWindow(): BookWindow {
  let image: BookImage | null = null;
  return {
    next(after) {
      if (image !== null && after.lastUpdateId <= image.lastUpdateId) return null;
      const change = {
        bids: changesOf(image?.bids ?? none, after.bids),
        asks: changesOf(image?.asks ?? none, after.asks),
      };
      image = after;
      return change;
    },
    image: () => image,
  };
}

const none: LevelList = { prices: [], quantities: [] };

function changesOf(before: LevelList, after: LevelList): LevelList {
  const prices: number[] = [];
  const quantities: ExactDecimal[] = [];
  for (const price of before.prices) {
    if (after.prices.includes(price)) continue;
    prices.push(price);
    quantities.push(0);
  }
  after.prices.forEach((price, n) => {
    const quantity = after.quantities[n] as ExactDecimal;
    const at = before.prices.indexOf(price);
    if (at >= 0 && before.quantities[at] === quantity) return;
    prices.push(price);
    quantities.push(quantity);
  });
  return { prices, quantities };
}
