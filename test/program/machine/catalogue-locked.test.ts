import { afterEach, expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dateOf } from "../../../server/domain/day.ts";
import { readJournal } from "../../../server/journal/journal.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { askCatalogue, lockCatalogue, locks, releaseLocks, sqliteMissing } from "../../support/machine/sqlite-lock.ts";
import { rtData } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { records, startCutMarket } from "../../support/simulator/cut-market.ts";
import { endRecorders, isRunning, startUpgradable } from "../../support/upgrades.ts";
import { until } from "../../support/wait.ts";

const stopping: (() => Promise<void>)[] = [];
afterEach(async () => {
  await releaseLocks();
  endRecorders();
  for (const stop of stopping.splice(0)) await stop();
});

async function setUp() {
  const dataDir = join(temporaryFolder(), "data");
  const market = await startCutMarket(dataDir);
  stopping.push(market.stop);
  return { dataDir, market };
}

const outageCauses = ["reconnect", "exchange_down", "silent", "serverShutdown"];
const outages = `select cause from gap where cause in (${outageCauses.map((cause) => `'${cause}'`).join(", ")})`;

for (const how of Object.keys(locks) as (keyof typeof locks)[]) {
  test.skipIf(sqliteMissing !== "")(
    `a recorder starts, records and answers while another program holds the catalogue ${how}, says so once, and catches up${sqliteMissing}`,
    async () => {
      const { dataDir, market } = await setUp();
      const first = await market.record();
      await records(first.status);
      first.program.kill("SIGTERM");
      expect(await first.program.ended).toBe(0);
      const lock = await lockCatalogue(dataDir, how);

      const second = await market.record();
      expect(second.tookMs).toBeLessThan(first.tookMs + 5000);
      await records(second.status);
      const isOpen = async () => (await second.status()).alerts.open.some(({ rule }) => rule === "catalogue_away");
      await until(isOpen, "the incident", 30_000);
      for (const [path, code] of [
        ["gaps", 200],
        ["events", 200],
        ["alerts", 200],
        ["coverage?from=2026-11-01&to=2026-11-30", how === "against writers" ? 200 : 503],
        ["archives", how === "against writers" ? 200 : 503],
      ] as const) {
        const answer = await fetch(`${second.url}/api/${path}`);
        expect([path, answer.status]).toEqual([path, code]);
        if (code === 503) expect((await answer.json()).error.code).toBe("catalogue_unavailable");
      }
      const gaps = (await (await fetch(`${second.url}/api/gaps`)).json()).items.length;
      expect(gaps).toBeGreaterThan(0);
      const said = () => second.program.errors().split("\n");
      expect(said().filter((line) => line.includes("the catalogue is not available"))).toHaveLength(1);

      await lock.release();
      await until(async () => (await second.status()).catalogue.problem === null, "the catalogue to be back", 30_000);
      expect(said().filter((line) => line.includes("has caught up"))).toHaveLength(1);
      expect(askCatalogue(dataDir, "select count(*) from gap where cause = 'restart'")).toEqual([String(gaps)]);
      await until(async () => !(await isOpen()), "the incident to end", 30_000);
      second.program.kill("SIGTERM");
      expect(await second.program.ended).toBe(0);
    },
    90_000,
  );
}

for (const [signal, then] of [
  ["SIGTERM", "unlocked"],
  ["SIGKILL", "unlocked"],
  ["SIGKILL", "deleted"],
] as const) {
  test.skipIf(sqliteMissing !== "")(
    `an outage while the catalogue is locked is written down although ${signal} ends the recorder, and is everywhere after the next start with the catalogue ${then}${sqliteMissing}`,
    async () => {
      const { dataDir, market } = await setUp();
      const first = await market.record();
      await records(first.status);
      const lock = await lockCatalogue(dataDir);
      await market.cut();
      const isDown = async () => (await first.status()).connections.every(({ state }) => state !== "open");
      await until(isDown, "the connection to be lost", 30_000);
      await market.restore();
      await until(async () => (await first.status()).totals.gaps > 0, "the gap to be known", 60_000);
      await records(first.status);
      const { totals } = await first.status();
      first.program.kill(signal);
      await first.program.ended;

      const day = { stream: "depth20", symbol: "BTCUSDT", date: dateOf(Date.now() * 1000) };
      const journal = readJournal(dataDir);
      const inJournal = journal?.gapsOf(day) ?? [];
      const known = journal?.gapsSince(0).filter(({ cause }) => outageCauses.includes(cause)) ?? [];
      // More gaps may have become known between the request and the signal.
      expect(known.length).toBeGreaterThanOrEqual(totals.gaps);
      expect(inJournal.filter(({ missing }) => missing === null)).toHaveLength(1);
      const verified = await run(["verify", "--data-dir", dataDir]);
      expect(verified.output + verified.errors).toMatch(/gap/);
      await lock.release();
      if (then === "deleted")
        for (const end of ["", "-wal", "-shm"]) rmSync(join(dataDir, `rt-data.sqlite${end}`), { force: true });

      const second = await market.record();
      await records(second.status);
      expect(askCatalogue(dataDir, outages)).toHaveLength(known.length);
      const listed = await (await fetch(`${second.url}/api/gaps?limit=100`)).json();
      const [gap] = inJournal;
      expect(listed.items.some(({ from_us }: { from_us: number }) => from_us === gap?.from_us)).toBe(true);
    },
    120_000,
  );
}

test.skipIf(sqliteMissing !== "")(
  `a catalogue that is overwritten with an old copy of itself while the recorder runs has the gaps of today's books again${sqliteMissing}`,
  async () => {
    const { dataDir, market } = await setUp();
    const path = join(dataDir, "rt-data.sqlite");
    const { program, status } = await market.record();
    await records(status);
    copyFileSync(path, `${path}.old`);
    await market.cut();
    await until(async () => (await status()).connections.every(({ state }) => state !== "open"), "the cut", 30_000);
    await market.restore();
    await until(async () => (await status()).totals.gaps >= 2, "the gaps of the books to be known", 60_000);
    const books = "select count(*) from gap where stream = 'depth20'";
    await until(() => askCatalogue(dataDir, books)[0] === "2", "the gaps to be in the catalogue");
    // The gaps are in the database file by now, not in its write-ahead log.
    askCatalogue(dataDir, "pragma wal_checkpoint(truncate)");
    copyFileSync(`${path}.old`, path);
    await until(() => askCatalogue(dataDir, books)[0] === "2", "the gaps to be in the catalogue again", 30_000);
    expect((await status()).catalogue.problem).toBeNull();
    program.kill("SIGTERM");
    expect(await program.ended).toBe(0);
    expect(askCatalogue(dataDir, books)).toEqual(["2"]);
  },
  90_000,
);

test.skipIf(sqliteMissing !== "")(
  `an upgrade succeeds while another program holds the catalogue, and no record is lost${sqliteMissing}`,
  async () => {
    const dataDir = join(temporaryFolder(), "data");
    const market = await startUpgradable({ dataDir, program: rtData, symbols: 3, speed: 3 });
    await until(() => market.sentCount() > 500, "data to flow");
    const lock = await lockCatalogue(dataDir);
    const old = market.pid();
    const { result } = await market.upgrade(old);
    expect(result).toMatchObject({ kind: "handed_over", pid: market.pid() });
    await until(() => !isRunning(old), "the old process to end");
    const before = market.sentCount();
    await until(() => market.sentCount() > before + 300, "data to flow");
    await lock.release();
    const found = await market.finish(market.pid());
    expect(found).toMatchObject({ recorded: found.sent, lost: 0, doubled: 0, foreign: 0, gaps: [] });
  },
  90_000,
);
