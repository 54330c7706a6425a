import { expect, test } from "bun:test";
import type { BarTrade } from "../../../../server/export/bars/bar-trade.ts";
import { createTradeOrder } from "../../../../server/export/bars/trade-order.ts";

const trade = (id: number, tradeUs: number, recvUs: number): BarTrade => ({
  ...{ id, tradeUs, recvUs, count: 1, price: 1n, quantity: 1n, isBuy: true },
});

/** Passes trades on in order of receipt, and returns the ids in the order in which they come out, with the holes between them. */
function ordered(trades: readonly BarTrade[], limits = { windowUs: 60e6, mostWaiting: 1000 }): (number | string)[] {
  const seen: (number | string)[] = [];
  let lastUs = 0;
  const order = createTradeOrder(
    {
      onTrade({ id }, us) {
        expect(us).toBeGreaterThanOrEqual(lastUs);
        lastUs = us;
        seen.push(id);
      },
      onHole: (fromUs, toUs) => void seen.push(`${fromUs / 1e6}-${toUs / 1e6}`),
    },
    ({ tradeUs }) => tradeUs,
    limits,
  );
  for (const next of trades.toSorted((a, b) => a.recvUs - b.recvUs)) order.push(next);
  order.end();
  return seen;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

test("received and backfilled trades come out by id, wherever delays and clocks have put them, without a hole", () => {
  for (const delayUs of [40_000, 5e6, -1.3e6]) {
    // Every third trade was backfilled, so it stands at its trade time; the first as well.
    const trades = range(0, 500).map((id) => trade(id, id * 300_000, id * 300_000 + (id % 3 === 0 ? 0 : delayUs)));
    expect(ordered(trades)).toEqual(range(0, 500));
  }
});

test("missing ids are a hole between their neighbours' trade times, found at the end or after the window, and trades behind it wait no longer", () => {
  const trades = range(0, 300).flatMap((id) => (id >= 100 && id < 103 ? [] : [trade(id, id * 1e6, id * 1e6)]));
  expect(ordered(trades)).toEqual([...range(0, 100), "99-103", ...range(103, 300)]);
  expect(ordered(trades.slice(0, 110))).toEqual([...range(0, 100), "99-103", ...range(103, 113)]);
  expect(ordered(trades, { windowUs: 60e6, mostWaiting: 5 })).toEqual(ordered(trades));
});

test("ids that begin again, and a record that is there twice, break the order instead of being trusted", () => {
  const again = [
    ...range(0, 10).map((id) => trade(1000 + id, id * 1e6, id * 1e6)),
    ...range(0, 5).map((id) => trade(id, (10 + id) * 1e6, (10 + id) * 1e6)),
  ];
  const holesOf = (windowUs: number) =>
    ordered(again, { windowUs, mostWaiting: 1000 }).filter((entry) => typeof entry === "string");
  expect(holesOf(1e6)).toEqual(["9-10"]);
  // Within the window the new ids come first. Then all trades of the old ids count at the time of this hole.
  expect(holesOf(60e6)).toEqual(["14-14"]);
  const twice = range(0, 10).flatMap((id) =>
    id === 5 ? [trade(5, 5e6, 5e6), trade(5, 5e6, 5e6)] : [trade(id, id * 1e6, id * 1e6)],
  );
  expect(ordered(twice)).toContain("5-5");
});
