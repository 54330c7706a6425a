import { beforeAll, expect, test } from "bun:test";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { listGaps } from "../../../server/cli/data/gaps.ts";
import { readFlags, type Terminal } from "../../../server/cli/framework/command.ts";
import { dateOf, dateStartUs, dayUs, manifestPath } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { openJournal, readJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { archiveDays, date, recordedFolder, secondOf, today, tradeLine } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";
import { until } from "../../support/wait.ts";

const printed: string[] = [];
const print = (line: string) => void printed.push(line);
const terminal = { isInteractive: false, stop: new AbortController().signal, print } as unknown as Terminal;

/** Runs the command in this process; returns its exit code and its output. */
async function gaps(dataDir: string, ending: string, ...words: string[]) {
  const out = join(temporaryFolder(), `gaps${ending}`);
  const code = await listGaps.run(readFlags(listGaps, ["--data-dir", dataDir, "--out", out, ...words]), terminal);
  return { code, out, bytes: readFileSync(out) };
}

const json = async (dataDir: string, ...words: string[]) =>
  JSON.parse((await gaps(dataDir, ".json", ...words)).bytes.toString());

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

test("every format holds the same gaps: those of all streams, in order, also as compressed files", async () => {
  const rows = await json(dataDir);
  const fromUs = secondOf(date, 599);
  expect(rows).toHaveLength(3);
  expect(rows[0]).toEqual({
    ...{ stream: "aggTrade", symbol: "BTCUSDT", cause: "restart", from_us: fromUs, to_us: dateStartUs(today) },
    ...{ from_time: "2026-11-21T00:09:59.000000Z", to_time: "2026-11-22T00:00:00.000000Z", seconds: 85_801 },
    ...{ missing: null, repaired: 0, settled: false },
  });
  const csv = (await gaps(dataDir, ".csv.zst")).bytes;
  const [heading = "", first, ...others] = zstdDecompressSync(csv).toString().trimEnd().split("\n");
  expect(heading.split(",")).toEqual(Object.keys(rows[0]));
  expect(first).toBe(
    Object.values(rows[0])
      .map((value) => value ?? "")
      .join(","),
  );
  expect(others).toHaveLength(2);
  const { out } = await gaps(dataDir, ".parquet");
  expect(printed.at(-1)).toBe(`${out}: 3 gaps`);
  expect(
    await query(`select stream, from_us, from_time, to_time, seconds, missing, repaired, settled from '${out}'`),
  ).toContainEqual([
    ...["aggTrade", String(fromUs), "2026-11-21 00:09:59+00", "2026-11-22 00:00:00+00", 85_801, null, "0", false],
  ]);
  expect((await query(`describe from '${out}'`)).map(([name, type]) => `${name} ${type}`)).toEqual([
    ...["stream VARCHAR", "symbol VARCHAR", "cause VARCHAR", "from_us BIGINT", "to_us BIGINT"],
    ...["from_time TIMESTAMP WITH TIME ZONE", "to_time TIMESTAMP WITH TIME ZONE", "seconds DOUBLE"],
    ...["missing BIGINT", "repaired BIGINT", "settled BOOLEAN"],
  ]);
});

test("a gap that overlaps the range is listed whole; others, and streams that are not selected, are left out", async () => {
  const few = await json(dataDir, "--stream", "aggTrade", "--symbol", "ETHUSDT", "--from", `${date}T12:00`);
  expect(few.map(({ symbol, seconds }: { symbol: string; seconds: number }) => [symbol, seconds])).toEqual([
    ["ETHUSDT", 85_801],
  ]);
  expect(await json(dataDir, "--from", today)).toEqual([]);
  expect(await json(dataDir, "--to", date)).toEqual([]);
});

test("a gap over days without files is one gap, with its counts, and settled once all is backfilled", async () => {
  const folder = temporaryFolder();
  const series = { stream: "aggTrade", symbol: "BTCUSDT" };
  const days = ["2026-11-18", "2026-11-21"].map((date) => ({
    segment: { ...series, date, name: "00-00" },
    text: tradeLine(secondOf(date, 1), 7),
  }));
  const span = { from_us: secondOf("2026-11-18", 1), to_us: secondOf("2026-11-21", 1) };
  const gap: Gap = { ...series, ...span, cause: "crash", missing: 40, repaired: 40 };
  const firstDay = { ...gap, to_us: dateStartUs("2026-11-19") };
  await archiveDays(folder, days, "2026-11-19", [firstDay]);
  const journal = openJournal(folder, { log: silentLog });
  journal.saveGaps([gap]);
  await journal.close(1000);
  const [row, ...more] = await json(folder, "--from", "2026-11-19", "--to", "2026-11-20");
  expect(row).toMatchObject({ seconds: 2 * 86_400 + 86_400, missing: 40, repaired: 40, settled: true });
  expect(more).toEqual([]);
});

test("gaps of today are there while a recorder is running, also before there is any file of today", async () => {
  const folder = temporaryFolder();
  const now = Date.now() * 1000;
  const yesterday = dateOf(now - dayUs);
  const day = { stream: "aggTrade", symbol: "BTCUSDT", date: yesterday };
  writeRaw(folder, { ...day, name: "00-00" }, tradeLine(secondOf(yesterday, 1), 7));
  const journal = openJournal(folder, { log: silentLog });
  const [fromUs, toUs] = [dateStartUs(dateOf(now)) + 1, dateStartUs(dateOf(now)) + 5_000_001];
  const { date: _, ...series } = day;
  journal.saveGaps([{ ...series, from_us: fromUs, to_us: toUs, cause: "reconnect", missing: null, repaired: 0 }]);
  await until(
    () => readJournal(folder)?.gapsOf({ ...day, date: dateOf(now) }).length === 1,
    "the journal to be written",
  );
  const rows = await json(folder);
  expect(rows).toMatchObject([{ from_us: fromUs, seconds: 5, cause: "reconnect", settled: false }]);
  await journal.close(1000);
});

test("a damaged manifest is named, and the exit code is 1", async () => {
  const folder = temporaryFolder();
  cpSync(dataDir, folder, { recursive: true });
  writeFileSync(manifestPath(folder, { stream: "depth20", symbol: "BTCUSDT", date }), "{");
  const { code, output, errors } = await run(["gaps", "--data-dir", folder, "--stream", "depth20"]);
  expect([code, errors.includes("BTCUSDT-depth20-2026-11-21.manifest.json cannot be read")]).toEqual([1, true]);
  // The recorder's list still knows the gap.
  expect(output.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["STREAM", "SYMBOL", "FROM", "TO", "SECONDS", "CAUSE", "MISSING", "BACKFILLED", "SETTLED"],
    [
      ...["depth20", "BTCUSDT", "2026-11-21 00:09:59.000", "2026-11-22 00:00:00.000", "85801.000", "restart", "–"],
      ...["0", "no"],
    ],
    [""],
  ]);
});

test("wrong flags are refused with what is accepted", async () => {
  const refused = async (...words: string[]) => {
    try {
      await listGaps.run(readFlags(listGaps, ["--data-dir", dataDir, ...words]), terminal);
      return "accepted";
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(await refused("--format", "jsn")).toBe(
    '--format "jsn" is not accepted (did you mean "json"?); give table, csv, json, parquet',
  );
  expect(await refused("--json", "--format", "csv")).toContain("contradict each other");
  expect(await refused("--out", "x.parquet.gz")).toBe("Parquet is compressed inside; give an --out without .gz");
  expect(await refused("--symbol", "NIXUSDT")).toContain("no records in");
});
