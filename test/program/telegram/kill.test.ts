import { afterAll, expect, test } from "bun:test";
import { join } from "node:path";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { token } from "../../support/telegram/evening.ts";
import { createFakeTelegram } from "../../support/telegram/fake-telegram.ts";
import { until } from "../../support/wait.ts";

const holdSeconds = 1;

const started: Program[] = [];
afterAll(() => {
  for (const program of started) program.kill("SIGKILL");
});

test("kill -9 between raise and send, and during the send: after the next start the message is there, once; later kills have no effect", async () => {
  const market = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 5, speed: 1 });
  const exchange = createSimulatedExchange({}, { source: market, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const telegram = createFakeTelegram(token);
  const apiRoot = telegram.start();
  const dataDir = join(temporaryFolder(), "data");
  const begin = () => {
    const begun = start([...rtData, "record", "--data-dir", dataDir, "--port", "0", "--log-level", "info"], {
      env: {
        RT_DATA_EXCHANGE_WS_URL: wsUrl,
        RT_DATA_EXCHANGE_REST_URL: restUrl,
        RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
        RT_DATA_TELEGRAM_TOKEN: token,
        RT_DATA_TELEGRAM_CHATS: "42",
        RT_DATA_TELEGRAM_API_ROOT: apiRoot,
        RT_DATA_ALERTS_DISCONNECTED_HOLD_S: String(holdSeconds),
      },
    });
    started.push(begun);
    return begun;
  };
  const kill = async (program: Program) => {
    expect(program.errors() + program.output()).not.toContain(token.split(":")[1]);
    program.kill("SIGKILL");
    expect(await program.ended).toBe("SIGKILL");
  };

  let program = begin();
  await program.url();
  await until(async () => (await statusOf(program)).totals.records > 0, "data to flow", 30_000);
  // Telegram takes the message, but the program dies while it waits for the answer.
  telegram.script(({ method }) => (method === "sendMessage" ? "hang" : null));
  const lostMs = performance.now();
  await exchange.stop();
  await until(() => telegram.calls.some(({ method }) => method === "sendMessage"), "the call to be under way", 30_000);
  const seconds = (performance.now() - lostMs) / 1000;
  expect(seconds).toBeLessThan(holdSeconds + 10);
  console.log(
    `from the exchange's end to the call of the Bot API: ${seconds.toFixed(1)} s, hold time ${holdSeconds} s`,
  );
  // The status is renewed once a second.
  await until(async () => (await openIncidents(program))[0]?.rule === "disconnected", "the incident in the status");
  await kill(program);

  telegram.script(() => null);
  for (const run of ["first", "second"]) {
    program = begin();
    await program.url();
    await until(() => telegram.chat(42).length > 0, `the message after the ${run} start`, 30_000);
    const { now_us } = await statusOf(program);
    await until(async () => (await statusOf(program)).now_us > now_us + 2_500_000, "two more ticks", 30_000);
    expect((await statusOf(program)).telegram).toMatchObject({ state: "ok", waiting: 0 });
    await kill(program);
  }
  expect(telegram.chat(42)).toMatchObject([
    { silent: false, text: expect.stringContaining("No connection to Binance") },
  ]);
  await telegram.stop();
}, 60_000);

async function statusOf(program: Program): Promise<Status> {
  return (await (await fetch(`${await program.url()}/api/status`)).json()) as Status;
}

async function openIncidents(program: Program): Promise<readonly Incident[]> {
  return (await statusOf(program)).alerts.open;
}
