import { expect, test } from "bun:test";
import { join } from "node:path";
import { type Line, recordId } from "../../../server/domain/line.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { createSentLog } from "../../support/simulator/sent.ts";
import { watchLateness } from "../../support/time/lateness.ts";
import { until } from "../../support/wait.ts";

const kills = 10;
const flushMs = 1000;

/** Upper bound for the way through the socket and a late flush timer on a quiet machine, ms. */
const quietGraceMs = 300;

/** How long the exchange may go on sending to a killed recorder before it notices, ms. */
const noticeMs = 1500;

test(`kill -9 at ${kills} random moments: every file is readable after the next start, only the last flush interval is lost, and all trades are backfilled in the end`, async () => {
  const lateness = watchLateness();
  const sent = createSentLog();
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"], seed: 3, speed: 3 });
  const exchange = createSimulatedExchange({}, { source, onSent: sent.onSent, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(temporaryFolder(), "data");
  const killedAtMs: number[] = [];

  for (let n = 0; n <= kills; n++) {
    const before = sent.count();
    const program = start([...rtData, "record", "--data-dir", dataDir, "--port", "0", "--log-level", "info"], {
      env: {
        RT_DATA_EXCHANGE_WS_URL: wsUrl,
        RT_DATA_EXCHANGE_REST_URL: restUrl,
        RT_DATA_RECORD_FLUSH_MS: String(flushMs),
        RT_DATA_RECORD_SEGMENT_MINUTES: "1",
      },
    });
    await program.url();
    await until(() => sent.count() > before, "the recorder to subscribe", 30_000);
    if (n === kills) {
      await until(() => areHolesRefetched(program), "the trades that were lost to be refetched", 30_000);
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
  lateness.stop();
  // The recorder's timers are late when this process's are; each of the way's four steps may have to wait.
  const graceMs = quietGraceMs + 4 * lateness.worstMs();

  const recorded = readRecords(dataDir);
  let lost = 0;
  for (const [key, messages] of sent.byStream) {
    // Diffs that only date the books are not recorded.
    if (key.endsWith("/depth")) continue;
    const all = recorded.get(key) ?? [];
    if (key.endsWith("/aggTrade")) expectEachTradeOnce(key, messages, all);
    const lines = all.filter(({ repaired }) => !repaired);
    let next = 0;
    for (const { payload, atMs } of messages) {
      if (lines[next]?.payload === payload) {
        next++;
        continue;
      }
      lost++;
      const killed = killedAtMs.some((killMs) => atMs > killMs - flushMs - graceMs && atMs <= killMs + noticeMs);
      if (!killed)
        throw new Error(`${key}: a record sent at ${atMs} is missing, long before any kill (${killedAtMs.join(", ")})`);
    }
    expect([key, next]).toEqual([key, lines.length]);
  }
  expect(lost).toBeLessThan(sent.count() / 2);
  console.log(
    `${sent.count()} messages sent, ${lost} of them within the last flush interval before any of ${kills} kills`,
  );
}, 180_000);

/** Checks that the trades of each pause were backfilled: each id from the first to the last exists exactly once. */
function expectEachTradeOnce(key: string, sent: readonly { payload: string }[], lines: readonly Line[]): void {
  const ids = lines.map(({ payload }) => recordId(payload, "aggTrade") ?? 0).sort((a, b) => a - b);
  const last = recordId(sent.at(-1)?.payload ?? "", "aggTrade") ?? 0;
  const first = ids[0] ?? 0;
  expect(last - first).toBeGreaterThan(100);
  expect([key, ids]).toEqual([key, Array.from({ length: last - first + 1 }, (_, n) => first + n)]);
}

async function areHolesRefetched(program: { url(): Promise<string> }): Promise<boolean> {
  const status = (await (await fetch(`${await program.url()}/api/status`)).json()) as Status;
  const found = status.totals.messages > 0 && status.totals.holes === 0;
  const isCaughtUp = status.symbols.every(({ streams }) =>
    streams.every(({ last_recv_us, gap }) => last_recv_us !== null && gap === null),
  );
  return found && isCaughtUp && status.catch_up.doing === null;
}
