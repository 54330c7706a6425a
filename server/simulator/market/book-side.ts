import type { DecimalFormat } from "./decimal.ts";

/** One price level; texts are made when first asked for and kept until the quantity changes. */
export type Level = { readonly tick: number; lots: number; price: string | null; text: string | null };

/** The two speeds at which changes are sent. */
export type ChangeWindow = "100ms" | "1000ms";

/** One side of an order book. Ranks count from 0, the best level. */
export type BookSide = {
  size(): number;
  at(rank: number): Level | undefined;
  /** Sets the absolute quantity of a price; 0 removes the level. Counts as a change even if the quantity is the same. */
  set(tick: number, lots: number): void;
  /** Lots resting at a price; 0 if the level does not exist. */
  lotsAt(tick: number): number;
  /** How many levels are better than this price. */
  rankOf(tick: number): number;
  /** The best `n` levels as JSON text. */
  top(n: number): string;
  /** Levels set since the last `clearChanges` of the same window, in the order of the wire (best first), as JSON text. */
  changes(window: ChangeWindow): string;
  clearChanges(window: ChangeWindow): void;
};

/** `direction` is 1 for asks (ascending), -1 for bids (descending). */
export function createBookSide(direction: 1 | -1, formatPrice: DecimalFormat, formatQuantity: DecimalFormat): BookSide {
  /** Worst first: most changes are near the best, where an array is cheapest to change at its end. */
  const levels: Level[] = [];
  /** Ticks of `levels` times `direction`, beside each other for the search. */
  const keys: number[] = [];
  const changed: Record<ChangeWindow, number[]> = { "100ms": [], "1000ms": [] };
  const noQuantity = `${formatQuantity(0)}"]`;

  /** How many levels are not better than this price. */
  function indexOf(tick: number): number {
    let low = 0;
    let high = levels.length;
    const key = tick * direction;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((keys[middle] as number) >= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function find(tick: number): Level | undefined {
    const level = levels[indexOf(tick) - 1];
    return level?.tick === tick ? level : undefined;
  }

  function textOf(level: Level): string {
    if (level.text !== null) return level.text;
    level.price ??= `["${formatPrice(level.tick)}","`;
    level.text = `${level.price}${formatQuantity(level.lots)}"]`;
    return level.text;
  }

  return {
    size: () => levels.length,
    at: (rank) => levels[levels.length - 1 - rank],
    set(tick, lots) {
      changed["100ms"].push(tick);
      changed["1000ms"].push(tick);
      const index = indexOf(tick);
      const level = levels[index - 1];
      if (level?.tick === tick) {
        if (lots === 0) {
          levels.splice(index - 1, 1);
          keys.splice(index - 1, 1);
        } else if (level.lots !== lots) {
          level.lots = lots;
          level.text = null;
        }
      } else if (lots > 0) {
        keys.splice(index, 0, tick * direction);
        levels.splice(index, 0, { tick, lots, price: null, text: null });
      }
    },
    lotsAt: (tick) => find(tick)?.lots ?? 0,
    rankOf: (tick) => levels.length - indexOf(tick),
    top(n) {
      const end = Math.max(0, levels.length - n);
      let text = "[";
      for (let index = levels.length - 1; index >= end; index--) {
        if (text.length > 1) text += ",";
        text += textOf(levels[index] as Level);
      }
      return `${text}]`;
    },
    changes(window) {
      const ticks = changed[window].sort((a, b) => (a - b) * direction);
      let text = "[";
      for (let n = 0; n < ticks.length; n++) {
        const tick = ticks[n] as number;
        if (n > 0 && tick === ticks[n - 1]) continue;
        const level = find(tick);
        if (text.length > 1) text += ",";
        text += level === undefined ? `["${formatPrice(tick)}","${noQuantity}` : textOf(level);
      }
      return `${text}]`;
    },
    clearChanges(window) {
      changed[window].length = 0;
    },
  };
}
