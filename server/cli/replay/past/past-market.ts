import { dateOf } from "../../../domain/day.ts";
import { encodeBackfilledLine, encodeLine } from "../../../domain/line.ts";
import type { Stream } from "../../../domain/stream.ts";
import { decimalFormat } from "../../../simulator/market/decimal.ts";
import { createRandom, hash } from "../../../simulator/market/random.ts";
import { type MarketStart, profileOf, type SymbolProfile } from "../../../simulator/market/symbol-profile.ts";

/** The invented market before the demo began: thin, but with prices, ids and delays that the live market continues. */
export type PastMarket = {
  /** Price and ids with which the live market goes on at the end of the past. */
  startOf(symbol: string): MarketStart;
  /** Mean of the best bid and ask, as a number. */
  priceAt(symbol: string, ms: number): number;
  /** Lines of a stream in [fromMs, toMs), in order. In `gaps` there are no books, and trades were backfilled. */
  lines(stream: Stream, fromMs: number, toMs: number, gaps: readonly PastGap[]): Generator<string>;
  /** Number of trades in [fromMs, toMs). */
  tradesIn(fromMs: number, toMs: number): number;
};

/** A gap of the past, ms. */
export type PastGap = { readonly fromMs: number; readonly toMs: number };

const bookEveryMs = 20_000;
const tradeEveryMs = 5000;

/** Ids count from here, so that they rise over all folders and runs. */
const epochMs = Date.UTC(2020, 0);

/** Ids per ms: more than the live market uses up, so that a later run never meets the ids of an earlier run. */
const idsPerMs = { update: 1, trade: 0.15, agg: 0.05 };

/** Creates the past of a market that begins at `endMs`. */
export function createPastMarket(endMs: number, seed: number): PastMarket {
  const endSlot = Math.ceil(endMs / tradeEveryMs);
  const idAt = (kind: keyof typeof idsPerMs, ms: number) => Math.floor((ms - epochMs) * idsPerMs[kind]);

  function priceAt(symbol: string, ms: number): number {
    const profile = profileOf(symbol);
    const wave = (hours: number, share: number, n: number) =>
      share * Math.sin((2 * Math.PI * ms) / (hours * 3_600_000) + (hash(symbol, seed + n) >>> 0));
    const swing =
      wave(61, 0.016, 1) + wave(17, 0.009, 2) + wave(5.3, 0.004, 3) + wave(0.8, 0.0015, 4) + wave(0.13, 0.0005, 5);
    return profile.price * (1 + swing);
  }

  function* books(stream: Stream, fromMs: number, toMs: number, gaps: readonly PastGap[]): Generator<string> {
    const random = createRandom(seed, `${stream.name} ${dateOf(fromMs * 1000)}`);
    const profile = profileOf(stream.symbol);
    for (let n = Math.ceil(fromMs / bookEveryMs); n * bookEveryMs < toMs; n++) {
      const ms = n * bookEveryMs;
      if (gaps.some((gap) => ms + 60 >= gap.fromMs && ms <= gap.toMs)) continue;
      const best = Math.round(priceAt(stream.symbol, ms) * 10 ** profile.tickDecimals);
      const sides = bookOf(profile, best, stream.type.levels ?? 20, random);
      const delayMs = 9 + random.below(9);
      yield encodeLine(
        `{"lastUpdateId":${idAt("update", ms)},${sides}}`,
        (ms + delayMs) * 1000 + random.below(1000),
        delayMs,
      );
    }
  }

  function* trades(stream: Stream, fromMs: number, toMs: number, gaps: readonly PastGap[]): Generator<string> {
    const random = createRandom(seed, `${stream.name} ${dateOf(fromMs * 1000)}`);
    const profile = profileOf(stream.symbol);
    const price = decimalFormat(profile.tickDecimals, profile.pricePrecision);
    const quantity = decimalFormat(profile.lotDecimals, profile.quantityPrecision);
    for (let slot = Math.ceil(fromMs / tradeEveryMs); slot * tradeEveryMs < toMs; slot++) {
      const ms = slot * tradeEveryMs;
      const tick = Math.round(priceAt(stream.symbol, ms) * 10 ** profile.tickDecimals) + random.below(3) - 1;
      const lots = 1 + Math.floor(profile.restingLots * 0.2 * random.exponential());
      const [agg, trade] = [idAt("agg", endMs) - (endSlot - slot), idAt("trade", endMs) - (endSlot - slot)];
      const values = `"a":${agg},"p":"${price(tick)}","q":"${quantity(lots)}","f":${trade},"l":${trade},"T":${ms},"m":${random.chance(0.5)},"M":true}`;
      const delayMs = 9 + random.below(9);
      const isBackfilled = gaps.some((gap) => ms >= gap.fromMs && ms < gap.toMs);
      if (isBackfilled) yield encodeBackfilledLine(`{${values}`, ms * 1000);
      else {
        const payload = `{"e":"aggTrade","E":${ms},"s":"${stream.symbol}",${values}`;
        yield encodeLine(payload, (ms + delayMs) * 1000 + random.below(1000), delayMs);
      }
    }
  }

  return {
    priceAt,
    startOf: (symbol) => ({
      price: priceAt(symbol, endMs),
      updateId: idAt("update", endMs),
      tradeId: idAt("trade", endMs),
      aggId: idAt("agg", endMs),
    }),
    lines: (stream, ...span) => (stream.type.kind === "aggTrade" ? trades(stream, ...span) : books(stream, ...span)),
    tradesIn: (fromMs, toMs) => Math.ceil(toMs / tradeEveryMs) - Math.ceil(fromMs / tradeEveryMs),
  };
}

/** Returns both sides of a book around a best bid, as JSON members. */
function bookOf(profile: SymbolProfile, best: number, levels: number, random: ReturnType<typeof createRandom>): string {
  const price = decimalFormat(profile.tickDecimals, profile.pricePrecision);
  const quantity = decimalFormat(profile.lotDecimals, profile.quantityPrecision);
  const side = (direction: 1 | -1) => {
    let tick = direction === 1 ? best + 1 : best;
    return Array.from({ length: levels }, () => {
      const level = `["${price(tick)}","${quantity(1 + Math.floor(profile.restingLots * random.exponential()))}"]`;
      tick += direction * (1 + Math.floor((profile.gap - 1) * random.exponential()));
      return level;
    }).join(",");
  };
  return `"bids":[${side(-1)}],"asks":[${side(1)}]`;
}
