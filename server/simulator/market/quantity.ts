import type { Random } from "./random.ts";

/** Draws the quantities of a symbol, in lots. */
export type Quantities = {
  /** Lots of an order that comes to rest in the book. */
  resting(): number;
  /** Lots of a market order. */
  taken(): number;
};

/**
 * What real books hold: the same few sizes again and again (quoting programs), dust, round numbers typed by people, and a wide
 * rest. `median` is the middle of what rests, in lots.
 */
export function createQuantities(median: number, random: Random): Quantities {
  const usual = Array.from({ length: 14 }, () => atLeastOne(median * Math.exp(0.75 * random.normal())));

  return {
    resting() {
      const kind = random.next();
      if (kind < 0.44) return usual[Math.floor(usual.length * random.next() ** 2)] as number;
      if (kind < 0.6) return atLeastOne(Math.exp(random.next() * Math.log(median / 15)));
      if (kind < 0.7) return round(median * Math.exp(1.4 * random.normal()));
      return atLeastOne(median * Math.exp(2.1 * random.normal()));
    },
    taken() {
      if (random.chance(0.15)) return round((median / 20) * Math.exp(1.8 * random.normal()));
      return atLeastOne((median / 60) * Math.exp(2.3 * random.normal()));
    },
  };
}

function round(lots: number): number {
  const unit = 10 ** Math.floor(Math.log10(Math.max(1, lots)));
  return atLeastOne(Math.round(lots / unit) * unit);
}

function atLeastOne(lots: number): number {
  return Math.min(9e14, Math.max(1, Math.round(lots)));
}
