import { expect, test } from "bun:test";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { type Frame, measures, type Statistics, statisticsOf } from "../../support/simulator/book-statistics.ts";
import { realDataMissing, realMessages } from "../../support/simulator/real-data.ts";

/**
 * How far the synthetic market may be from the range that the two real recordings span: from the lower one divided by the
 * factor to the higher one times it. Narrow where recorder and compressor feel it (bytes, levels and quantities that change);
 * wide where two recordings of some minutes differ by more than the factor among themselves, or where a share is so small that
 * a minute's mood decides it.
 */
const factors: Record<(typeof measures)[number], number> = {
  "bytes per frame": 1.02,
  "ticks without change": 5,
  "update ids per frame": 1.25,
  "spread, ticks": 2.5,
  "best bid moves per frame": 1.5,
  "levels new per frame": 1.3,
  "quantities changed per frame": 1.4,
  "frames with an equal book": 2,
  "top 20 span, bp": 1.5,
  "log spread of quantities": 1.2,
  "quantities with at most 2 digits": 1.35,
  "quantities seen before": 1.25,
  "trades per second": 1.6,
  "log spread of trade sizes": 1.25,
  "zstd -3 bytes per frame": 1.25,
  "zstd -19 bytes per frame": 1.25,
};

const recordings = [
  { name: "2024-08-08", file: "depth20+trade.btc-eth.2024-08-08.jsonl.gz", trades: "trade" },
  { name: "2021-04-04", file: "depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz", trades: "aggTrade" },
] as const;
const ticks = 3450;

for (const symbol of ["BTCUSDT", "ETHUSDT"]) {
  test.skipIf(realDataMissing !== "")(
    `the synthetic ${symbol} has the statistics of the real symbol${realDataMissing}`,
    () => {
      const real = recordings.map(({ file, trades }) => realStatistics(file, symbol, trades));
      const synthetic = [1, 2].map((seed) => syntheticStatistics(symbol, seed));
      const table = measures.map((measure) => {
        const truths = real.map((statistics) => statistics[measure]);
        const lowest = Math.min(...truths) / factors[measure];
        const highest = Math.max(...truths) * factors[measure];
        return { measure, truths, ours: synthetic.map((statistics) => statistics[measure]), lowest, highest };
      });
      print(symbol, table);
      const outside = table.filter(({ ours, lowest, highest }) =>
        ours.some((value) => value < lowest || value > highest),
      );
      expect(outside).toEqual([]);
    },
    60_000,
  );
}

function realStatistics(file: string, symbol: string, tradeStream: string): Statistics {
  const frames: Frame[] = [];
  const trades: string[] = [];
  const prefix = `{"stream":"${symbol.toLowerCase()}@`;
  for (const { t, raw } of realMessages(file)) {
    const payload = raw.slice(raw.indexOf('"data":') + 7, -1);
    if (raw.startsWith(`${prefix}depth20@`))
      frames.push({ recvUs: t * 1000 + (jitterUs(frames.length) % 1000), payload });
    else if (raw.startsWith(`${prefix}${tradeStream}"`)) trades.push(payload);
  }
  return statisticsOf(frames, trades, 0.01);
}

function syntheticStatistics(symbol: string, seed: number): Statistics {
  const market = createSyntheticMarket({ symbols: [symbol], seed });
  const frames: Frame[] = [];
  const trades: string[] = [];
  const wants = (stream: string) => /@(depth20@100ms|trade)$/.test(stream);
  for (let n = 0; n < ticks; n++) {
    const atMs = Math.round(1_723_161_254_000 + n * 100.05);
    for (const { stream, payload } of market.tick(atMs, wants)) {
      if (stream.endsWith("@trade")) trades.push(payload);
      else frames.push({ recvUs: atMs * 1000 + jitterUs(n), payload });
    }
  }
  return statisticsOf(frames, trades, 0.01);
}

/** The way from the exchange adds a few ms, and digits that a compressor cannot foresee. */
function jitterUs(n: number): number {
  return (Math.imul(n + 1, 2_654_435_761) >>> 0) % 4000;
}

type Row = { measure: string; truths: number[]; ours: number[]; lowest: number; highest: number };

function print(symbol: string, rows: readonly Row[]): void {
  const cell = (value: number | string) => (typeof value === "number" ? value.toFixed(3) : value).padStart(12);
  const names = [...recordings.map(({ name }) => name), "seed 1", "seed 2", "at least", "at most"];
  const lines = rows.map(({ measure, truths, ours, lowest, highest }) =>
    [measure.padEnd(34), ...[...truths, ...ours, lowest, highest].map(cell)].join(""),
  );
  console.log([`${symbol} (real: derived from real diffs)`.padEnd(34) + names.map(cell).join(""), ...lines].join("\n"));
}
