import { afterAll, expect, test } from "bun:test";
import { existsSync, renameSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { recordId } from "../../../server/domain/line.ts";
import type { Status } from "../../../server/domain/status.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type FuseDisk, fuseMissing, mountFuse } from "../../support/machine/fuse.ts";
import { rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { gapsIn } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/** The program, recording a trade of each symbol every 20 ms into a folder of this disk. */
async function recordOnto(disk: Pick<FuseDisk, "path" | "end">) {
  ends.push(disk.end);
  const source = createScriptedSource();
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const dataDir = join(disk.path, "data");
  const program = start([...rtData, "record"], {
    env: {
      RT_DATA_EXCHANGE_WS_URL: wsUrl,
      RT_DATA_EXCHANGE_REST_URL: restUrl,
      RT_DATA_RECORD_SYMBOLS: symbols.join(","),
      RT_DATA_RECORD_STREAMS: "aggTrade",
      RT_DATA_RECORD_DATA_DIR: dataDir,
      RT_DATA_RECORD_FLUSH_MS: "100",
      RT_DATA_HTTP_PORT: "0",
      RT_DATA_ALERTS_WRITE_ERROR_HOLD_S: "1",
      RT_DATA_ALERTS_WRITE_ERROR_CLEAR_S: "1",
    },
  });
  const url = await program.url();
  await until(() => symbols.every((symbol) => source.wants(`${symbol.toLowerCase()}@aggTrade`)), "the subscription");
  let last = 0;
  const timer = setInterval(() => {
    last++;
    for (const symbol of symbols) {
      const payload = `{"e":"aggTrade","E":${Date.now()},"s":"${symbol}","a":${last},"p":"1.0","q":"1.0","f":${last},"l":${last},"T":${Date.now()},"m":true,"M":true}`;
      source.emit({ stream: `${symbol.toLowerCase()}@aggTrade`, payload });
    }
  }, 20);
  ends.push(async () => {
    clearInterval(timer);
    program.kill("SIGKILL");
    await program.ended;
    await exchange.stop();
  });
  const status = async () => (await (await fetch(`${url}/api/status`)).json()) as Status;
  return {
    ...{ program, dataDir, url, status },
    sent: () => last,
    stopSending: () => clearInterval(timer),
    /** Waits until everything that was sent so far is in files. */
    async written() {
      const upTo = last;
      const isWritten = async () => {
        const { totals, symbols: of } = await status();
        const waiting = of.reduce((sum, { buffered_records }) => sum + buffered_records, 0);
        return totals.records >= upTo * symbols.length && waiting < symbols.length * 20;
      };
      await until(isWritten, "all sent records to be written", 30_000);
    },
  };
}

const errorsOf = (text: string) => text.split("\n").filter((line) => / error /.test(line));

test.skipIf(fuseMissing !== "")(
  `a data folder whose file system dies and comes back: the page and every other part go on, each trouble is one line, an incident tells, and recording goes on by itself with all that was held${fuseMissing}`,
  async () => {
    const disk = await mountFuse();
    const { program, dataDir, url, status, sent, stopSending, written } = await recordOnto(disk);
    await until(() => sent() > 50, "some trades");
    await written();
    await disk.die();
    const diedAt = sent();
    await until(
      async () => (await status()).alerts.open.some(({ rule }) => rule === "write_error"),
      "the incident",
      30_000,
    );
    expect((await fetch(`${url}/health/ready`)).status).toBe(503);
    await until(() => sent() > diedAt + 200, "the outage to last", 30_000);
    const seconds = (await status()).now_us;
    await until(async () => (await status()).now_us > seconds + 2_000_000, "the clock of the program to go on");
    await disk.comeBack();
    const backMs = performance.now();
    await until(
      async () => (await status()).symbols.every(({ buffered_records }) => buffered_records < 40),
      "the held records to be written",
      30_000,
    );
    expect(performance.now() - backMs).toBeLessThan(10_000);
    await until(
      async () => (await status()).alerts.open.every(({ rule }) => rule !== "write_error"),
      "the incident to end",
      60_000,
    );
    stopSending();
    await written();
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);

    const text = program.errors() + program.output();
    expect(text).not.toMatch(/^\s+at /m);
    expect(errorsOf(text).length).toBeLessThan(12);
    const gaps = gapsIn(dataDir);
    for (const symbol of symbols) {
      const ids = (readRecords(dataDir).get(`${symbol}/aggTrade`) ?? []).map(({ payload }) =>
        recordId(payload, "aggTrade"),
      );
      expect(new Set(ids).size).toBe(ids.length);
      const missing = Array.from({ length: sent() }, (_, n) => n + 1).filter((id) => !ids.includes(id));
      if (missing.length > 0) expect(gaps.map((gap) => gap.symbol)).toContain(symbol);
    }
  },
  120_000,
);

/** Ids in files and in gaps of each symbol together are all sent ids, each once. */
function accountFor(dataDir: string, sent: number): { readonly kept: number; readonly lost: number } {
  const gaps = gapsIn(dataDir);
  let [kept, lost] = [0, 0];
  for (const symbol of symbols) {
    const ids = (readRecords(dataDir).get(`${symbol}/aggTrade`) ?? []).map(({ payload }) =>
      recordId(payload, "aggTrade"),
    );
    expect(new Set(ids).size).toBe(ids.length);
    const missing = gaps.filter((gap) => gap.symbol === symbol).reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
    expect([symbol, ids.length + missing]).toEqual([symbol, sent]);
    kept += ids.length;
    lost += missing;
  }
  return { kept, lost };
}

test.skipIf(fuseMissing !== "")(
  `a data folder whose file system comes back empty: recording goes on there, and the data on the old file system is a gap${fuseMissing}`,
  async () => {
    const disk = await mountFuse();
    const { program, dataDir, status, sent, stopSending, written } = await recordOnto(disk);
    await until(() => sent() > 50, "some trades");
    await written();
    await disk.die();
    const diedAt = sent();
    await until(() => sent() > diedAt + 100, "the outage to last", 30_000);
    await disk.comeBackEmpty();
    const isWritten = async () => (await status()).symbols.every(({ buffered_records }) => buffered_records < 40);
    await until(isWritten, "the held records to be written", 30_000);
    await until(() => program.errors().includes("lost with its file system"), "the loss to be told", 30_000);
    // Stopping does not wait for the catalogue, which is made again beside the recording.
    const hasCatalogue = async () =>
      (await status()).catalogue.problem === null && existsSync(join(dataDir, "rt-data.sqlite"));
    await until(hasCatalogue, "the catalogue to be made again", 60_000);
    stopSending();
    await written();
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(program.errors() + program.output()).not.toMatch(/^\s+at /m);
    const { kept, lost } = accountFor(dataDir, sent());
    expect(kept).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
  },
  120_000,
);

test("a data folder that is moved away during recording is created again, with all open segments", async () => {
  const top = temporaryFolder();
  const { program, dataDir, sent, stopSending, written } = await recordOnto({ path: top, end: () => {} });
  await until(() => sent() > 50, "some trades");
  await written();
  renameSync(dataDir, join(top, "moved"));
  const movedAt = sent();
  await until(() => program.errors().includes("deleted or replaced"), "the move to be noticed", 30_000);
  await until(() => sent() > movedAt + 100, "recording to go on", 30_000);
  stopSending();
  await written();
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect(program.errors() + program.output()).not.toMatch(/^\s+at /m);
  expect(accountFor(dataDir, sent()).lost).toBe(0);
}, 60_000);

test("a segment that logrotate truncates during recording is reported, and verify does not call the day complete", async () => {
  const top = temporaryFolder();
  const { program, dataDir, sent, stopSending, written } = await recordOnto({ path: top, end: () => {} });
  await until(() => sent() > 50, "some trades");
  await written();
  const segment = join(
    dataDir,
    [...new Glob("live/stream=aggTrade/symbol=BTCUSDT/*/*.jsonl").scanSync(dataDir)][0] ?? "",
  );
  truncateSync(segment, 0);
  await until(() => program.errors().includes("truncated or appended to"), "the truncation to be noticed", 30_000);
  stopSending();
  await written();
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
  expect(accountFor(dataDir, sent()).lost).toBeGreaterThan(0);
  const verified = await run(["verify", "--data-dir", dataDir]);
  expect([verified.code, verified.output]).toEqual([1, expect.stringMatching(/BTCUSDT.*disk/s)]);
}, 60_000);
