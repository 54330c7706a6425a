import { expect, test } from "bun:test";
import { join } from "node:path";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createReplaySource } from "../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { realDataDir, realDataMissing, realMessages } from "../../support/simulator/real-data.ts";
import { openBinance } from "../clients/binance-client.ts";
import { followBooks } from "../clients/follow-books.ts";
import { openOfficial } from "../clients/official-client.ts";

const file = "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz";

/** Diffs that may pass before the snapshot is there and be older than it. */
const head = 100;

for (const [name, open] of [
  ["@binance/spot", openOfficial],
  ["binance", openBinance],
] as const) {
  test.skipIf(realDataMissing !== "")(
    `${name} keeps local books over a whole replay of real diffs without a break${realDataMissing}`,
    async () => {
      const diffs = realMessages(file).filter(({ raw }) => raw.startsWith('{"stream":"ethusdt@depth')).length;
      const source = createReplaySource({ path: join(realDataDir, file), speed: 40, loop: false });
      const exchange = createSimulatedExchange({}, { source, log: silentLog });
      const { wsUrl, restUrl } = await exchange.start();
      const reports = await followBooks(
        open,
        { wsUrl, restUrl },
        { symbols: ["BTCUSDT", "ETHUSDT"], frames: diffs - head },
      );
      expect(reports.map(({ symbol, breaks }) => ({ symbol, breaks }))).toEqual([
        { symbol: "BTCUSDT", breaks: 0 },
        { symbol: "ETHUSDT", breaks: 0 },
      ]);
      for (const { applied } of reports) expect(applied).toBeGreaterThanOrEqual(diffs - head);
      await exchange.stop();
    },
    120_000,
  );
}
