import { expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Listed } from "../../../server/cli/data/ls-report.ts";
import { dateStartUs, dayStartUs } from "../../../server/domain/day.ts";
import type { DemoState } from "../../../server/domain/demo.ts";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import type { CoverageTable, KnownGap, Page, SeriesView } from "../../../server/domain/queries.ts";
import type { Status } from "../../../server/domain/status.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { type Program, rtData, start } from "../../support/program.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

/** A demo of one symbol; a silent exchange on a busy machine is not to make a gap of its own. */
function demo(dataDir: string, ...words: string[]): Program {
  const symbols = ["--symbols", "BTCUSDT", "--log-level", "warn"];
  const env = { TZ: "UTC", RT_DATA_FEED_STALE_MS: "50000" };
  return start([...rtData, "demo", "--port", "0", "--data-dir", dataDir, ...symbols, ...words], { env });
}

async function api(program: Program) {
  const url = await program.url();
  const get = async <T>(path: string) => (await (await fetch(`${url}/api/${path}`)).json()) as T;
  const post = (path: string) => fetch(`${url}/api/${path}`, { method: "POST" });
  await until(async () => (await get<Status>("status")).ready, "data to flow", 30_000);
  return { get, post };
}

const verify = (dataDir: string, ...words: string[]) => run(["verify", "--data-dir", dataDir, ...words]);

test("a new demo has two weeks of a believable past, which can be verified, and no gap between past and now", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const program = demo(dataDir, "--cut-after", "0");
  const { get } = await api(program);
  // While the past is being invented, no day of it is missing: the days that are not there yet are not yet due.
  const reds: unknown[] = [];
  await until(
    async () => {
      const { rows, dates } = await get<CoverageTable>("coverage");
      for (const { first_us, coverage } of rows)
        if (first_us !== null)
          reds.push(...coverage.filter((share, n) => share === null && dateStartUs(dates[n] ?? "") >= first_us));
      return (await get<DemoState>("demo")).past === 1;
    },
    "the past",
    120_000,
  );
  expect(reds).toEqual([]);
  const { rows } = await get<CoverageTable>("coverage");
  // Today is left out: a busy machine may make a gap of its own.
  const missing = rows[0]?.missing_s.slice(-15, -1) ?? [];
  expect(missing.filter((seconds) => seconds === null)).toEqual([]);
  // A few short gaps, and days between them without any.
  expect(missing.filter((seconds) => seconds !== 0).length).toBe(3);
  expect(Math.max(...missing.map(Number))).toBeLessThan(60);
  const todayUs = dayStartUs(Date.now() * 1000);
  const items = (await get<Page<KnownGap>>("gaps")).items.filter(({ to_us }) => to_us < todayUs);
  expect(items.filter(({ missing, repaired }) => missing !== null && repaired === missing && missing > 0)).toHaveLength(
    2,
  );
  const incidents = (await get<Page<Incident>>("alerts")).items;
  expect(incidents.filter(({ rule, from_us }) => rule === "disconnected" && from_us < todayUs)).toHaveLength(2);
  const { values } = await get<SeriesView>("series?span=week");
  expect(values.messages_per_s.filter((value) => value !== null).length).toBeGreaterThan(1900);
  expect((await get<Status>("status")).disk).toMatchObject({ full_in_s: null, is_filling: false });
  const checked = await verify(dataDir, "--allow-gaps");
  expect([checked.code, checked.errors]).toEqual([0, ""]);
  expect(checked.output).toMatch(/ 0 damaged/);
  const listed: Listed[] = JSON.parse((await run(["ls", "--json", "--data-dir", dataDir])).output);
  for (const { stream, coverage, days, instrument } of listed) {
    expect(coverage).toBeGreaterThan(0.999);
    // The facts are recorded from today on; the manifests of the past have them.
    expect([stream, days]).toEqual([stream, stream === "exchangeInfo" ? 1 : 15]);
    expect(instrument?.quote).toBe("USDT");
  }
  const [day] = JSON.parse((await run(["ls", "--json", "--days", "--data-dir", dataDir])).output) as Listed[];
  expect(day?.instrument?.tick_size).toBe("0.01000000");
  program.kill("SIGTERM");
  expect(await program.ended).toBe(0);
}, 240_000);

test("the cut connection becomes an incident and a gap whose trades are fetched; over restarts no id is doubled", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const first = demo(dataDir, "--past", "1", "--cut-after", "0");
  const { get, post } = await api(first);
  await until(async () => (await get<DemoState>("demo")).past === 1, "the past", 60_000);
  expect((await post("demo/cut")).status).toBe(202);
  await until(
    async () => (await get<Page<Incident>>("alerts")).items.some(({ rule, to_us }) => rule === "disconnected" && to_us),
    "the incident to come and go",
    60_000,
  );
  await until(
    async () => {
      const { items } = await get<Page<KnownGap>>("gaps?stream=aggTrade");
      return items.some(({ missing, repaired }) => missing !== null && missing > 0 && repaired === missing);
    },
    "the trades of the gap to be fetched",
    60_000,
  );
  first.kill("SIGTERM");
  expect(await first.ended).toBe(0);
  expect((await verify(dataDir, "--allow-gaps")).code).toBe(0);

  mkdirSync(join(dataDir, "quarantine/demo-past/live"), { recursive: true });
  const second = demo(dataDir, "--past", "1", "--cut-after", "0");
  await api(second);
  expect(existsSync(join(dataDir, "quarantine"))).toBe(false);
  // A killed demo has used ids that its journal does not know.
  second.kill("SIGKILL");
  await second.ended;
  const third = demo(dataDir, "--past", "1", "--cut-after", "0");
  const { get: ask } = await api(third);
  // The market stood still meanwhile: books are missing, trades are not.
  const isWhole = ({ missing, repaired }: KnownGap) => missing !== null && repaired === missing;
  const missingTrades = async () =>
    (await ask<Page<KnownGap>>("gaps?stream=aggTrade")).items.filter((gap) => !isWhole(gap));
  const trades = async () =>
    (await ask<Status>("status")).symbols[0]?.streams.find(({ stream }) => stream === "aggTrade")?.records ?? 0;
  await until(async () => (await trades()) > 5, "trades after the restart", 60_000);
  await until(
    async () => (await missingTrades()).length === 0,
    "the trades to go on where the killed run ended",
    30_000,
  );
  third.kill("SIGTERM");
  expect(await third.ended).toBe(0);
  const checked = await verify(dataDir, "--allow-gaps");
  expect(checked.output).toMatch(/ 0 damaged/);
  expect(checked.code).toBe(0);
}, 240_000);
