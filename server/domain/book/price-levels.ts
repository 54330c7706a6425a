import type { LevelList } from "./book-text.ts";
import type { ExactDecimal } from "./exact-decimal.ts";

/** The price levels of one side of a book, in order. Ranks count from 0, the best price. */
export type PriceLevels = {
  size(): number;
  /** Sets the quantity of a price; 0 removes the level. */
  set(price: number, quantity: ExactDecimal): void;
  /** The quantity at a price; 0 if there is no such level. */
  quantityAt(price: number): ExactDecimal;
  /** Price and quantity of a level. The rank must be below the size. */
  price(rank: number): number;
  quantity(rank: number): ExactDecimal;
  /** The best `most` levels, best first. */
  top(most: number): LevelList;
  clear(): void;
};

/** Creates an empty side. */
export function createPriceLevels(side: "bids" | "asks"): PriceLevels {
  const sign = side === "bids" ? 1 : -1;
  /** Prices, for asks negative, and beside them the quantities: worst first, because most changes are near the best price. */
  const keys: number[] = [];
  const quantities: ExactDecimal[] = [];

  /** The index of a key, or the index at which it belongs. Looks near the best price first. */
  function indexOf(key: number): number {
    let high = keys.length;
    let step = 1;
    while (step <= high && (keys[high - step] as number) >= key) {
      high -= step;
      step *= 2;
    }
    let low = Math.max(0, high - step);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    size: () => keys.length,
    set(price, quantity) {
      const key = price * sign;
      const index = indexOf(key);
      const isKnown = keys[index] === key;
      if (quantity === 0) {
        if (!isKnown) return;
        remove(keys, index);
        remove(quantities, index);
      } else if (isKnown) quantities[index] = quantity;
      else {
        insert(keys, index, key);
        insert(quantities, index, quantity);
      }
    },
    quantityAt(price) {
      const key = price * sign;
      const index = indexOf(key);
      return keys[index] === key ? (quantities[index] as ExactDecimal) : 0;
    },
    price: (rank) => Math.abs(keys[keys.length - 1 - rank] as number),
    quantity: (rank) => quantities[quantities.length - 1 - rank] as ExactDecimal,
    top(most) {
      const last = Math.max(0, keys.length - most);
      return { prices: keys.slice(last).reverse().map(Math.abs), quantities: quantities.slice(last).reverse() };
    },
    clear() {
      keys.length = 0;
      quantities.length = 0;
    },
  };
}

/** Values behind the place up to which moving them singly is quicker than `splice`. */
const fewBehind = 64;

function insert<T>(values: T[], index: number, value: T): void {
  if (values.length - index > fewBehind) {
    values.splice(index, 0, value);
    return;
  }
  values.push(value);
  for (let at = values.length - 1; at > index; at--) values[at] = values[at - 1] as T;
  values[index] = value;
}

function remove<T>(values: T[], index: number): void {
  if (values.length - index > fewBehind) {
    values.splice(index, 1);
    return;
  }
  for (let at = index + 1; at < values.length; at++) values[at - 1] = values[at] as T;
  values.length -= 1;
}
