import { expect, test } from "bun:test";
import { join } from "node:path";
import { createTicker } from "../../../server/app/ticker.ts";
import { createUnexpectedErrors } from "../../../server/app/unexpected-errors.ts";
import type { Status } from "../../../server/domain/status.ts";
import { createLog, silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { start } from "../../support/program.ts";
import { until } from "../../support/wait.ts";

test("periodic tasks that throw or reject do not stop other tasks, and each is logged once until it works again", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "json", color: false }, (line) => lines.push(line));
  const faults = createUnexpectedErrors({ log });
  let isBroken = true;
  let done = 0;
  const ticker = createTicker(
    () => 0,
    [
      [
        1,
        "first",
        () => {
          if (isBroken) throw new Error("disk\nis gone");
        },
      ],
      [
        1,
        "second",
        async () => {
          if (isBroken) throw new Error("so is this");
        },
      ],
      [1, "third", () => done++],
    ],
    faults,
  );
  ticker.start();
  await until(() => done >= 2, "the third task to be done twice", 30_000);
  expect(
    faults
      .current()
      .map(({ part }) => part)
      .toSorted(),
  ).toEqual(["first", "second"]);
  isBroken = false;
  await until(() => faults.current().length === 0, "both to work again", 30_000);
  ticker.stop();
  const told = lines.map((line) => JSON.parse(line)).map(({ level, part }) => `${level} ${part}`);
  expect(told.toSorted()).toEqual(["error first", "error second", "info first", "info second"]);
});

test("uncaught errors in a timer and in a promise give a log line each and an incident, and recording goes on", async () => {
  const folder = temporaryFolder();
  const preload = join(folder, "broken.ts");
  await Bun.write(
    preload,
    `const isUp = () => process.listenerCount("uncaughtException") > 0;
     setInterval(() => { if (isUp()) throw new TypeError("nobody catches this"); }, 200);
     setInterval(() => { if (isUp()) void Promise.reject(new Error("nor this")); }, 200);`,
  );
  const exchange = createSimulatedExchange(
    {},
    { source: createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 3 }), log: silentLog },
  );
  const { wsUrl, restUrl } = await exchange.start();
  const program = start(
    [process.execPath, "--preload", preload, join(import.meta.dir, "../../../server/main.ts"), "record"],
    {
      env: {
        RT_DATA_EXCHANGE_WS_URL: wsUrl,
        RT_DATA_EXCHANGE_REST_URL: restUrl,
        RT_DATA_RECORD_SYMBOLS: "BTCUSDT",
        RT_DATA_RECORD_DATA_DIR: join(folder, "data"),
        RT_DATA_HTTP_PORT: "0",
      },
    },
  );
  const url = await program.url();
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
  await until(async () => (await status()).alerts.open.some(({ rule }) => rule === "fault"), "the incident", 30_000);
  const { records } = (await status()).totals;
  await until(async () => (await status()).totals.records > records + 20, "recording to go on", 30_000);
  const open = (await status()).alerts.open.find(({ rule }) => rule === "fault");
  expect(open?.subjects).toEqual(["uncaught error", "unhandled rejection"]);
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  await exchange.stop();
  const lines = (program.errors() + program.output()).split("\n").filter((line) => line.includes("a part failed"));
  expect(lines).toHaveLength(2);
  expect(program.errors() + program.output()).not.toMatch(/^\s+at /m);
}, 60_000);
