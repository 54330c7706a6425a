import { expect, test } from "bun:test";
import { join } from "node:path";
import { createExchange } from "../server/exchange/exchange.ts";
import { createSyntheticMarket } from "../server/exchange/market/synthetic-market.ts";
import { silentLog } from "../server/log.ts";
import { temporaryFolder } from "./support/folder.ts";
import { fromSource, start } from "./support/program.ts";
import { readRecords } from "./support/read-data.ts";
import { createSentLog } from "./support/sent.ts";
import { until } from "./support/wait.ts";

const kills = 10;
const flushMs = 1000;

/** What a busy machine may add to the flush timer and to the way through the socket, ms. */
const graceMs = 300;

test(`kill -9 at ${kills} random moments: every file is readable after the next start, and only the last flush interval is lost`, async () => {
  const sent = createSentLog();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"], seed: 3, speed: 3 });
  const exchange = createExchange({}, { source, onSent: sent.onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const killedAtMs: number[] = [];

  for (let n = 0; n <= kills; n++) {
    const before = sent.count();
    const program = start([...fromSource, "record", "--data-dir", dataDir, "--port", "0", "--log-level", "info"], {
      env: {
        RT_DATA_EXCHANGE_WS_URL: wsUrl,
        RT_DATA_EXCHANGE_REST_URL: restUrl,
        RT_DATA_RECORD_FLUSH_MS: String(flushMs),
        RT_DATA_RECORD_SEGMENT_MINUTES: "1",
      },
    });
    await program.url();
    await until(() => sent.count() > before, "the recorder to subscribe", 10_000);
    if (n === kills) {
      await source.stop();
      await Bun.sleep(100);
      program.kill("SIGTERM");
      expect(await program.ended).toBe(0);
      break;
    }
    await Bun.sleep(50 + Math.random() * 2500);
    killedAtMs.push(Date.now());
    program.kill("SIGKILL");
    expect(await program.ended).toBe("SIGKILL");
  }
  await exchange.stop();

  const recorded = readRecords(dataDir);
  let lost = 0;
  for (const [key, messages] of sent.byStream) {
    const lines = recorded.get(key) ?? [];
    let next = 0;
    for (const { payload, atMs } of messages) {
      if (lines[next]?.payload === payload) {
        next++;
        continue;
      }
      lost++;
      const killed = killedAtMs.some((killMs) => atMs > killMs - flushMs - graceMs && atMs <= killMs + graceMs);
      if (!killed)
        throw new Error(`${key}: a record sent at ${atMs} is missing, long before any kill (${killedAtMs.join(", ")})`);
    }
    expect([key, next]).toEqual([key, lines.length]);
  }
  expect(lost).toBeLessThan(sent.count() / 2);
  console.log(
    `${sent.count()} messages sent, ${lost} of them within the last flush interval before one of ${kills} kills`,
  );
}, 90_000);
