import type { LatestTrades } from "../../../server/domain/latest-trades.ts";
import type { BookView } from "../../../server/domain/status.ts";

/** A book of twenty levels that moves with time, and its trades. The same moment gives the same. */
export function fakeMarket(nowMs: () => number = Date.now) {
  const step = () => Math.floor(nowMs() / 100);
  const mid = () => 86_704 + 20 * Math.sin(step() / 40) + 4 * Math.sin(step() / 7);
  const side = (sign: number) =>
    Array.from({ length: 20 }, (_, n) => {
      const price = mid() + sign * (0.01 + n * 0.4 + 0.2 * Math.sin(n));
      const quantity = 0.05 + Math.abs(Math.sin(step() / 9 + n * sign)) * (1 + n / 8);
      return `["${price.toFixed(2)}000000","${quantity.toFixed(5)}000"]`;
    }).join(",");
  const book = (symbol: string): BookView => ({
    symbol,
    recv_us: step() * 100_000,
    net_delay_ms: 108,
    book: `{"lastUpdateId":${step()},"bids":[${side(-1)}],"asks":[${side(1)}]}`,
  });
  const trades: LatestTrades["since"] = (_, seen) => {
    const count = step();
    const from = Math.max(seen, count - 40);
    const list = Array.from({ length: Math.max(0, count - from) }, (_, n) => {
      const id = from + n;
      const quantity = Math.abs(Math.sin(id)).toFixed(5);
      const trade = `{"a":${id},"p":"${(86_704 + Math.sin(id)).toFixed(2)}000000","q":"${quantity}000","T":${id * 100},"m":${id % 3 === 0}}`;
      return { recv_us: id * 100_000, trade };
    });
    return { trades: list, count };
  };
  return { book, trades };
}
