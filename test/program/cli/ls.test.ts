import { beforeAll, expect, test } from "bun:test";
import { cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableLines } from "../../../server/cli/terminal/table.ts";
import { archivePath, manifestPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import {
  before,
  bookLine,
  date,
  recordedFolder,
  secondLines,
  secondOf,
  today,
} from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

const ls = (...words: string[]) => run(["ls", "--data-dir", dataDir, ...words]);
const json = async (...words: string[]) => JSON.parse((await ls("--json", ...words)).output);

test("each stream and symbol is one line: days, rows, first and last time, coverage, gaps by cause, state", async () => {
  const { code, output, errors } = await ls();
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  const [heading = "", ...lines] = output.trimEnd().split("\n");
  expect(heading.split(/ {2,}/)).toEqual([
    "STREAM",
    "SYMBOL",
    "DAYS",
    "FIRST",
    "LAST",
    "ROWS",
    "BYTES",
    "COVERAGE",
    "STATE",
    "GAPS",
  ]);
  expect(lines).toHaveLength(3);
  expect(lines[2]?.split(/ {2,}/).toSpliced(6, 1)).toEqual([
    "depth20",
    "BTCUSDT",
    "3",
    "2026-11-20 23:50",
    "2026-11-22 00:06",
    "1,600",
    "1.82 %",
    "2 verified, 1 live",
    "1 restart",
  ]);
});

test("coverage is of the time from the first to the last record; a gap over two days is one", async () => {
  const [, , books] = await json();
  const span = secondOf(today, 399) + 1 - secondOf(before, 85_800);
  const missing = secondOf(today, 0) - secondOf(date, 599);
  expect(books).toMatchObject({
    ...{
      stream: "depth20",
      symbol: "BTCUSDT",
      days: 3,
      rows: 1600,
      gaps: { restart: 1 },
      gaps_repaired: 0,
      problems: [],
    },
    ...{ first_us: secondOf(before, 85_800), last_us: secondOf(today, 399), missing_us: missing },
    ...{ states: { verified: 2, live: 1 } },
  });
  expect(books.coverage).toBeCloseTo((span - missing) / span, 12);
});

test("--days lists each day; the figures of the days add up to those of the stream", async () => {
  const days = await json("--days", "--stream", "depth20");
  expect(days.map((day: { date: string; rows: number; state: string }) => [day.date, day.rows])).toEqual([
    [before, 600],
    [date, 600],
    [today, 400],
  ]);
  // The first day begins with the very first record: the time before is not missing.
  expect(days[0].coverage).toBe(1);
  const [stream] = await json("--stream", "depth20");
  expect(days.reduce((sum: number, day: { missing_us: number }) => sum + day.missing_us, 0)).toBe(stream.missing_us);
  expect(days[1].coverage).toBeCloseTo(599 / 86_400, 12);
  expect(days.map((day: { states: object }) => day.states)).toEqual([{ verified: 1 }, { verified: 1 }, { live: 1 }]);
});

test("if the recording extends beyond the range, the coverage is that of the whole range", async () => {
  const [books] = await json("--stream", "depth20", "--from", date, "--to", today);
  expect(books).toMatchObject({ days: 1, rows: 600 });
  expect(books.coverage).toBeCloseTo(599 / 86_400, 12);
});

test("a range that cuts days bounds rows, times, coverage and gaps, by days too; verify counts the gaps of the range", async () => {
  const range = ["--stream", "depth20", "--from", `${before}T23:55`, "--to", `${date}T00:04:30`];
  const [books] = await json(...range);
  expect(books).toMatchObject({ days: 2, rows: 300 + 300, missing_us: 0, coverage: 1, gaps: {} });
  expect([books.first_us, books.last_us]).toEqual([secondOf(before, 86_100), secondOf(date, 270)]);
  const days = await json("--days", ...range);
  expect(days.map((day: { rows: number; gaps: object }) => [day.rows, day.gaps])).toEqual([
    [300, {}],
    [300, {}],
  ]);
  // The range covers the last minute before the gap and ten minutes of the gap, which has no rows.
  const late = await json("--stream", "depth20", "--from", `${date}T00:09`, "--to", `${date}T00:20`);
  expect(late).toMatchObject([{ rows: 60, last_us: secondOf(date, 599), gaps: { restart: 1 } }]);
  const empty = await json("--stream", "depth20", "--from", `${date}T12:00`, "--to", `${date}T12:20`);
  expect(empty).toMatchObject([{ rows: 0, first_us: null, coverage: 0 }]);
  const checked = await run(["verify", "--data-dir", dataDir, ...range]);
  expect([checked.code, checked.output]).toEqual([
    0,
    expect.stringContaining(`only gaps from ${before}T23:55:00.000Z before ${date}T00:04:30.000Z count`),
  ]);
});

test("--quick counts no rows of days that are not merged, and says so", async () => {
  const own = await recordedFolder();
  const day = { stream: "depth20", symbol: "BTCUSDT", date: today };
  writeRaw(own, { ...day, name: "00-10" }, secondLines(today, 600, 650, bookLine));
  writeRaw(own, { ...day, name: "00-10_02" }, secondLines(today, 602, 604, bookLine));
  const quick = ["ls", "--data-dir", own, "--quick", "--stream", "depth20"];
  const days = JSON.parse((await run([...quick, "--days", "--json"])).output);
  expect(days.map((one: { rows: number | null }) => one.rows)).toEqual([600, 600, null]);
  expect(days[2].last_us).toBe(secondOf(today, 649));
  expect((await run(quick)).output).toMatch(/ {2}– {2}/);
  rmSync(own, { recursive: true });
});

test("damaged data is reported with the reason, and the exit code is 1; verify calls the same days damaged", async () => {
  const own = await recordedFolder();
  const day = { stream: "depth20", symbol: "BTCUSDT", date };
  truncateSync(archivePath(own, day), 100);
  rmSync(manifestPath(own, { ...day, stream: "aggTrade" }));
  writeFileSync(manifestPath(own, { ...day, date: before }), "{");
  const { code, output, errors } = await run(["ls", "--data-dir", own]);
  expect(code).toBe(1);
  expect(errors).toContain("depth20 BTCUSDT 2026-11-21: bytes of the archive: 100; the manifest states ");
  expect(errors).toContain("depth20 BTCUSDT 2026-11-20: ");
  expect(errors).toContain("aggTrade BTCUSDT 2026-11-21: the archive has no manifest");
  expect(output).toContain("2 damaged, 1 live");
  const edited = { ...day, stream: "aggTrade", symbol: "ETHUSDT" };
  const manifest = readFileSync(manifestPath(own, edited), "utf8");
  writeFileSync(manifestPath(own, edited), manifest.replace('"recorder":', '"recorder" :'));
  const days = await run(["ls", "--data-dir", own, "--days"]);
  const verified = await run(["verify", "--data-dir", own, "--quick"]);
  const named = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name).sort();
  const ofLs = named(days.output, /^(\w+ +\w+ +\S+) .* damaged/gm).map((name) => name.replace(/ +/g, " "));
  const ofVerify = named(verified.output, /^DAMAGED +(\w+ +\w+ +\S+)/gm).map((name) => name.replace(/ +/g, " "));
  expect(ofLs).toEqual(ofVerify);
  expect(ofLs).toContain(`aggTrade ETHUSDT ${date}`);
  expect(ofLs).toHaveLength(4);
  rmSync(own, { recursive: true });
});

test("--local shows local times", async () => {
  const seoul = await run(["ls", "--data-dir", dataDir, "--local", "--stream", "depth20"], {
    env: { TZ: "Asia/Seoul" },
  });
  expect(seoul.output).toContain("2026-11-21 08:50  2026-11-22 09:06");
});

test("a table fits the terminal: columns are left out, the least important first, then lines are cut", () => {
  const columns = [
    { heading: "SYMBOL", align: "left", dropped: 0 },
    { heading: "ROWS", align: "right", dropped: 2 },
    { heading: "BYTES", align: "right", dropped: 1 },
    { heading: "GAPS", align: "left", dropped: 0 },
  ] as const;
  const rows = [
    ["BTCUSDT", "1,000", "5 MB", "1 crash"],
    ["币安人生USDT", "20", "3 kB", ""],
  ];
  expect(tableLines(columns, rows, Number.POSITIVE_INFINITY)).toEqual([
    "SYMBOL         ROWS  BYTES  GAPS",
    "BTCUSDT       1,000   5 MB  1 crash",
    "币安人生USDT     20   3 kB",
  ]);
  expect(tableLines(columns, rows, 30)[1]).toBe("BTCUSDT       1,000  1 crash");
  expect(tableLines(columns, rows, 25)[1]).toBe("BTCUSDT       1 crash");
  expect(tableLines(columns, rows, 16)[1]).toBe("BTCUSDT       1…");
});

test("facts about a symbol are listed as complete, and --json shows them with each of its streams", async () => {
  const folder = temporaryFolder();
  const entry =
    '{"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.01000000"},{"filterType":"LOT_SIZE","stepSize":"0.00001000"}]}';
  const symbol = { symbol: "BTCUSDT", date, name: "00-00" };
  writeRaw(folder, { ...symbol, stream: "depth20" }, secondLines(date, 0, 60, bookLine));
  writeRaw(folder, { ...symbol, stream: "exchangeInfo" }, encodeLine(entry, secondOf(date, 0), null));
  const read = (...words: string[]) => run([...words, "--data-dir", folder]);
  const instrument = {
    ...{ base: "BTC", quote: "USDT", tick_size: "0.01000000", step_size: "0.00001000", status: "TRADING" },
  };
  const listed = JSON.parse((await read("ls", "--json")).output);
  expect(listed).toMatchObject([
    { stream: "depth20", rows: 60, instrument },
    { stream: "exchangeInfo", rows: 1, coverage: 1, missing_us: 0, gaps: {}, instrument },
  ]);
  // The facts are read only if they are named: without them, a single stream is recorded.
  const printed = [await read("cat"), await read("cat", "--stream", "exchangeInfo")];
  expect(printed.map(({ code, output }) => [code, output.split("\n").length - 1])).toEqual([
    [0, 60],
    [0, 1],
  ]);
  const refused = await read("export", "--stream", "exchangeInfo", "--out", join(folder, "facts.csv"));
  expect([refused.code, refused.errors]).toEqual([
    2,
    "rt-data: exchangeInfo has no columns: print its lines by rt-data cat --stream exchangeInfo\n",
  ]);
});

test("records outside archive/ and live/ are refused with the folder to give, by ls and verify alike", async () => {
  const own = temporaryFolder();
  cpSync(join(dataDir, "archive"), join(own, "untarred"), { recursive: true });
  for (const command of ["ls", "verify"]) {
    const inside = await run([command, "--data-dir", join(dataDir, "archive")]);
    expect([inside.code, inside.output]).toEqual([2, ""]);
    expect(inside.errors).toContain(`are not in archive/ or live/ of ${join(dataDir, "archive")}; give ${dataDir} by`);
    const untarred = await run([command, "--data-dir", join(own, "untarred")]);
    expect(untarred.errors).toContain(`move them into ${join(own, "untarred", "archive")}, and give`);
  }
  rmSync(own, { recursive: true });
});
