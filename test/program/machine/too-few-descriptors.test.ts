import { afterAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { recordId } from "../../../server/domain/line.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { gapsIn } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const limitMissing = Bun.which("prlimit") === null ? " (skipped: there is no prlimit)" : "";

/** Starts the program with this number of symbols and this limit of descriptors. */
async function recordWith(limit: number, count: number, env: Record<string, string> = {}) {
  const source = createScriptedSource();
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const symbols = Array.from({ length: count }, (_, n) => `SYM${n}USDT`);
  const dataDir = join(temporaryFolder(), "data");
  const program = start(["prlimit", `--nofile=${limit}:${limit}`, ...rtData, "record"], {
    env: {
      PATH: process.env.PATH ?? "",
      RT_DATA_EXCHANGE_WS_URL: wsUrl,
      RT_DATA_EXCHANGE_REST_URL: restUrl,
      RT_DATA_RECORD_SYMBOLS: symbols.join(","),
      RT_DATA_RECORD_STREAMS: "aggTrade",
      RT_DATA_RECORD_DATA_DIR: dataDir,
      RT_DATA_HTTP_PORT: "0",
      RT_DATA_ALERTS_WRITE_ERROR_HOLD_S: "1",
      ...env,
    },
  });
  ends.push(async () => {
    program.kill("SIGKILL");
    await program.ended;
    await exchange.stop();
  });
  const url = await program.url();
  await until(
    () => symbols.every((symbol) => source.wants(`${symbol.toLowerCase()}@aggTrade`)),
    "the subscriptions",
    30_000,
  );
  let last = 0;
  return {
    ...{ program, url, symbols, dataDir },
    status: async () => (await (await fetch(`${url}/api/status`)).json()) as Status,
    sent: () => last,
    /** The next trade of every symbol. */
    trade() {
      last++;
      for (const symbol of symbols) {
        const payload = `{"e":"aggTrade","E":${Date.now()},"s":"${symbol}","a":${last},"p":"1.0","q":"1.0","f":${last},"l":${last},"T":${Date.now()},"m":true,"M":true}`;
        source.emit({ stream: `${symbol.toLowerCase()}@aggTrade`, payload });
      }
    },
  };
}

const waitingOf = ({ symbols }: Status) => symbols.filter(({ buffered_records }) => buffered_records > 0).length;

test.skipIf(limitMissing !== "")(
  `with fewer descriptors than streams the limit is named at the start and in check, the streams with open files are written, page and incidents go on, and a stop writes the rest${limitMissing}`,
  async () => {
    const { program, url, symbols, dataDir, status, sent, trade } = await recordWith(140, 120);
    expect(program.errors()).toContain("this process may have 140 files open; 120 streams need");
    for (let n = 0; n < 5; n++) trade();
    await until(async () => (await status()).totals.records === 600, "the trades to be taken", 30_000);
    await until(
      async () => (await status()).alerts.open.some(({ rule }) => rule === "write_error"),
      "the incident",
      30_000,
    );
    const waiting = waitingOf(await status());
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThan(90);
    expect((await fetch(`${url}/dashboard`)).status).toBeLessThan(500);
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    const text = program.errors() + program.output();
    expect(text).not.toMatch(/^\s+at /m);
    expect(text.match(/cannot open a segment/g)).toHaveLength(1);
    expect(gapsIn(dataDir)).toEqual([]);
    for (const symbol of symbols) {
      const ids = (readRecords(dataDir).get(`${symbol}/aggTrade`) ?? []).map(({ payload }) =>
        recordId(payload, "aggTrade"),
      );
      expect([symbol, ids]).toEqual([symbol, Array.from({ length: sent() }, (_, n) => n + 1)]);
    }
  },
  60_000,
);

test.skipIf(limitMissing !== "")(
  `when page visitors take every descriptor, the recorder does not end: recording goes on, and the page answers again once they are gone${limitMissing}`,
  async () => {
    const { program, url, dataDir, status, trade } = await recordWith(130, 20);
    trade();
    await until(
      async () => waitingOf(await status()) === 0 && (await status()).totals.records === 20,
      "the trades to be written",
      30_000,
    );
    const { hostname, port } = new URL(url);
    const visitors: Socket[] = [];
    for (let n = 0; n < 160; n++) {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      visitors.push(socket);
    }
    ends.push(() => visitors.forEach((socket) => void socket.destroy()));
    const inUse = () => readdirSync(`/proc/${program.pid}/fd`).length;
    await until(() => inUse() >= 128, "the descriptors to be used up", 30_000);
    trade();
    const linesOf = () => [...readRecords(dataDir).values()].reduce((sum, { length }) => sum + length, 0);
    await until(() => linesOf() === 40, "the trades to be written all the same", 30_000);
    for (const socket of visitors) socket.destroy();
    await until(
      async () => (await status().catch(() => null))?.totals.records === 40,
      "the page to answer again",
      30_000,
    );
    await until(async () => waitingOf(await status()) === 0, "all to be written", 30_000);
    trade();
    await until(async () => (await status()).totals.records === 60, "recording to go on", 30_000);
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(program.errors() + program.output()).not.toMatch(/^\s+at /m);
  },
  60_000,
);

test.skipIf(limitMissing !== "")(
  `check compares the limit with the streams, and says what to do${limitMissing}`,
  async () => {
    const words = ["check", "--only", "data", "--data-dir", join(temporaryFolder(), "data"), "--symbols"];
    const symbols = Array.from({ length: 100 }, (_, n) => `SYM${n}USDT`).join(",");
    const program = ["prlimit", "--nofile=200:200", ...rtData];
    const low = await run([...words, symbols], { program, env: { PATH: process.env.PATH ?? "" } });
    expect([low.code, low.output]).toEqual([
      1,
      expect.stringContaining("may have 200 files open; 200 streams need 566"),
    ]);
    expect(low.output).toContain("LimitNOFILE=566");
    const enough = await run([...words, "BTCUSDT"], { program, env: { PATH: process.env.PATH ?? "" } });
    expect(enough.code).toBe(0);
  },
);
