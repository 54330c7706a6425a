import { expect, test } from "bun:test";
import { type Bar, barCells, barColumns } from "../../../../server/export/bars/bar.ts";
import { createBarTable } from "../../../../server/export/bars/bar-table.ts";
import { type BarTrade, barTradeOf } from "../../../../server/export/bars/bar-trade.ts";
import type { Cell } from "../../../../server/export/column.ts";
import { realDataMissing, realMessages } from "../../../support/simulator/real-data.ts";

const minuteUs = 60e6;
const everything = { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY };

/** A kline as Binance sends it: `x` is true once it is closed. */
type Kline = Readonly<Record<"o" | "h" | "l" | "c" | "v" | "q" | "V" | "Q", string>> &
  Readonly<Record<"t" | "f" | "L" | "n", number>> & { readonly s: string; readonly x: boolean };

/** An aggregate with the ids of its trades. */
type Aggregate = BarTrade & { readonly f: number; readonly l: number };

function recorded(): { klines: Kline[]; trades: Map<string, Aggregate[]> } {
  const klines: Kline[] = [];
  const trades = new Map<string, Aggregate[]>();
  for (const { t, raw } of realMessages("raw-depth+aggTrade+kline.btc-eth-dot.2021-04-04.jsonl.gz")) {
    const { stream, data } = JSON.parse(raw);
    if (stream.endsWith("@kline_1m")) klines.push(data.k);
    if (!stream.endsWith("@aggTrade")) continue;
    const trade = { ...barTradeOf("aggTrade", { ...data, recv_us: t * 1000 }), f: data.f, l: data.l };
    const ofSymbol = trades.get(data.s);
    if (ofSymbol === undefined) trades.set(data.s, [trade]);
    else ofSymbol.push(trade);
  }
  return { klines, trades };
}

/** The bar of a minute, made of these trades and a trade of a later minute, which closes it. */
function barOf(startUs: number, trades: readonly Aggregate[]): Readonly<Record<string, Cell>> {
  const rows = new Map<number, readonly Cell[]>();
  const table = createBarTable(
    { kind: "time", everyUs: minuteUs },
    everything,
    { gaps: [], isBeginning: () => false },
    { onRow: (span, cells) => void rows.set(span.startUs, cells), onLeftOut() {} },
  );
  for (const trade of trades) table.addTrade(trade);
  const last = trades.at(-1) as Aggregate;
  table.addTrade({ ...last, id: last.id + 1, tradeUs: startUs + minuteUs, recvUs: last.recvUs + minuteUs });
  table.end();
  const cells = rows.get(startUs) ?? [];
  return Object.fromEntries(barColumns.map(({ name }, at) => [name, cells[at] ?? null]));
}

const amounts = ["volume", "quote_volume", "taker_buy_volume", "taker_buy_quote_volume"] as const;
const amountsOf = ({ v, q, V, Q }: Kline) => [v, q, V, Q].map(eighths);
/** A decimal with eight digits, in 10⁻⁸. */
const eighths = (text: string) => BigInt(text.replace(".", ""));

test.skipIf(realDataMissing !== "")(
  `bars of real aggTrades equal Binance's own klines, each time that it sent them: prices, volumes, trades, to the last digit${realDataMissing}`,
  () => {
    const { klines, trades } = recorded();
    let compared = 0;
    let parted = 0;
    for (const kline of klines) {
      const ofSymbol = trades.get(kline.s) ?? [];
      const first = ofSymbol[0] as Aggregate;
      // The capture begins within the first minute.
      if (kline.f < first.f) continue;
      // A kline may end within an aggregate.
      if (ofSymbol.some(({ f, l }) => f <= kline.L && l > kline.L)) {
        parted++;
        continue;
      }
      const bar = barOf(
        kline.t * 1000,
        ofSymbol.filter(({ l }) => l <= kline.L),
      );
      expect(bar).toMatchObject({
        ...{ open: kline.o, high: kline.h, low: kline.l, close: kline.c, trades: kline.n },
        ...{ volume: kline.v, quote_volume: kline.q, taker_buy_volume: kline.V, taker_buy_quote_volume: kline.Q },
      });
      compared++;
    }
    expect([compared, parted]).toEqual([51, 2]);
  },
);

test.skipIf(realDataMissing !== "")(
  `closed klines: from the first state that was sent to the close, the bar has the same volumes and trades, and the same close${realDataMissing}`,
  () => {
    const { klines, trades } = recorded();
    const closed = klines.filter(({ x }) => x);
    expect(closed.map(({ s }) => s).sort()).toEqual(["BTCUSDT", "DOTUSDT", "ETHUSDT"]);
    for (const kline of closed) {
      const ofSymbol = trades.get(kline.s) ?? [];
      const isParted = (at: Kline) => ofSymbol.some(({ f, l }) => f <= at.L && l > at.L);
      const before = klines.find((other) => {
        return other.s === kline.s && other.t === kline.t && other.L >= (ofSymbol[0]?.f ?? 0) - 1 && !isParted(other);
      }) as Kline;
      const bar = barOf(
        kline.t * 1000,
        ofSymbol.filter(({ f, l }) => f > before.L && l <= kline.L),
      );
      const [from, to] = [amountsOf(before), amountsOf(kline)];
      expect(amounts.map((name) => eighths(String(bar[name])))).toEqual(
        to.map((value, at) => value - (from[at] ?? 0n)),
      );
      expect([bar.trades, bar.close, before.x]).toEqual([kline.n - before.n, kline.c, false]);
    }
  },
);

test("a quote volume is rounded once, from an exact sum; a VWAP to the nearest digit", () => {
  const bar: Bar = {
    ...{ startUs: 0, endUs: 1, open: 1n, high: 3n, low: 1n, close: 3n, trades: 2 },
    ...{ volume: 3n, quote: 149_999_999n, buyVolume: 0n, buyQuote: -0n },
  };
  const cells = Object.fromEntries(barColumns.map(({ name }, at) => [name, barCells(bar)[at]]));
  expect(cells).toMatchObject({ quote_volume: "0.00000001", vwap: "0.50000000", open: "0.00000001" });
});
