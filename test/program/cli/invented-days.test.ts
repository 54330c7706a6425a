import { expect, test } from "bun:test";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import type { Listed } from "../../../server/cli/data/ls-report.ts";
import { type Day, dateOf, dateStartUs, dayUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { isInvented, trueDays } from "../../../server/storage/list/invented-day.ts";
import { drained, realArchiver, segmentOf, writeRaw } from "../../support/data/day-fixture.ts";
import { run } from "../../support/run.ts";
import { newDataDir, trades } from "../../support/upload/bucket.ts";

const nowUs = Date.now() * 1000;
const dayOf = (date: string): Day => ({ stream: "aggTrade", symbol: "BTCUSDT", date });
const yesterday = dayOf(dateOf(nowUs - dayUs));
const before = dayOf(dateOf(nowUs - 2 * dayUs));
const second = 1_000_000;

/** Two days of trades that follow each other, archived, with a record in their first and last minutes. */
async function recorded(): Promise<string> {
  const dataDir = newDataDir();
  const archiver = realArchiver(dataDir);
  for (const [day, ids] of [
    [before, [1, 2, 3]],
    [yesterday, [4, 5, 6]],
  ] as const) {
    const segment = segmentOf("00-00", day);
    const first = (ids[0] ?? 0) - 1;
    writeRaw(dataDir, segment, trades(day, ids, -first * second));
    archiver.seal(segment);
  }
  await archiver.mergeDaysBefore(dateOf(nowUs));
  await drained(archiver);
  await archiver.stop(0);
  return dataDir;
}

/** Some seconds of trades that bear the stamps of a wrong clock. */
function wrongDay(dataDir: string, date: string, ids: readonly number[]): void {
  const startUs = dateStartUs(date) + 3600 * second;
  const payload = (id: number) => `{"e":"aggTrade","E":1,"s":"BTCUSDT","a":${id},"p":"1.0","q":"2.0"}`;
  const lines = ids.map((id, n) => encodeLine(payload(id), startUs + n * second, null));
  writeRaw(dataDir, segmentOf("01-00", dayOf(date)), lines.join(""));
}

const verify = (dataDir: string, ...words: string[]) => run(["verify", "--data-dir", dataDir, ...words]);
const ls = async (dataDir: string): Promise<Listed[]> =>
  JSON.parse((await run(["ls", "--json", "--data-dir", dataDir])).output);

for (const { name, date } of [
  { name: "1970", date: "1970-01-01" },
  { name: "two months ahead", date: dateOf(nowUs + 60 * dayUs) },
  { name: "tomorrow", date: dateOf(nowUs + dayUs) },
]) {
  test(`a day that a clock at ${name} has made does not count for coverage, is not damage, and makes no day absent`, async () => {
    const dataDir = await recorded();
    const [without] = await ls(dataDir);
    wrongDay(dataDir, date, [7, 8, 9]);
    const [listed] = await ls(dataDir);
    expect(listed).toMatchObject({ days: 2, coverage: without?.coverage, first_us: without?.first_us });
    expect(listed?.invented).toEqual([date]);
    const { code, output } = await verify(dataDir);
    expect(output).not.toContain("absent");
    expect(output).toContain("recorded by a wrong clock; it is kept but not counted");
    expect([code, /3 days of 1 stream: 3 complete/.test(output)]).toEqual([0, true]);
  });
}

test("ids that occur in two days are found, however far apart the days are and whatever gaps they have", async () => {
  for (const date of [dateOf(nowUs), dateOf(nowUs + 60 * dayUs), "1970-01-01"]) {
    const dataDir = await recorded();
    const catalogue = openCatalogue(dataDir);
    const span = { from_us: nowUs - 3 * dayUs, to_us: nowUs, cause: "restart" as const, missing: 0, repaired: 0 };
    catalogue.saveGaps([{ stream: "aggTrade", symbol: "BTCUSDT", ...span }]);
    catalogue.close();
    wrongDay(dataDir, date, [3, 4, 5, 7]);
    const { code, output } = await verify(dataDir);
    expect([date, code]).toEqual([date, 1]);
    expect(output).toContain("id_doubled");
    expect(output).toMatch(/[12] ids are on \d{4}-\d\d-\d\d as well, first [34]/);
  }
});

test("ids that a wrong clock has filed under another day are not missing from their own day", async () => {
  const dataDir = await recorded();
  wrongDay(dataDir, dateOf(nowUs), [10, 11]);
  expect((await verify(dataDir)).output).toContain("3 ids are missing and no gap explains it, first 7 to 9");
  wrongDay(dataDir, dateOf(nowUs + 60 * dayUs), [7, 8, 9]);
  expect((await verify(dataDir)).output).not.toContain("id_missing");
});

test("a day within a gap of cause clock does not count; a day that a wrong clock recorded for long does", () => {
  const date = "2026-11-20";
  const startUs = dateStartUs(date);
  const clock = (fromUs: number, toUs: number): Gap[] => [
    { ...dayOf(date), from_us: startUs + fromUs, to_us: startUs + toUs, cause: "clock", missing: 0, repaired: 0 },
  ];
  const hour = 3600 * second;
  const ends = (fromUs: number, toUs: number) => ({ firstUs: startUs + fromUs, lastUs: startUs + toUs });
  const is = (fromUs: number, toUs: number, gaps: readonly Gap[]) =>
    isInvented({ date, received: ends(fromUs, toUs) }, gaps, "2026-11-25");
  expect(is(hour, hour + 20 * second, clock(hour, hour + 30 * second))).toBe(true);
  expect(is(hour, hour + 20 * second, clock(hour, hour + 10 * second))).toBe(false);
  expect(is(hour, hour + 20 * second, [])).toBe(false);
  expect(is(hour, hour, clock(2 * hour, 3 * hour))).toBe(false);
  expect(is(0, 24 * hour - 1, clock(-hour, 25 * hour))).toBe(false);
  const rowsPerMinute = Array.from({ length: 1440 }, (_, n) =>
    n === 60 || (n >= 600 && n < 700) || n === 1000 ? 5 : 0,
  );
  const day = { date, ...ends(hour, 1000 * 60 * second + second), rowsPerMinute };
  const gaps = [...clock(hour, hour + 30 * second), ...clock(1000 * 60 * second, 1001 * 60 * second)];
  const [left] = trueDays([day], gaps, "2026-11-25");
  expect([(left?.firstUs ?? 0) - startUs, (left?.lastUs ?? 0) - startUs]).toEqual([
    600 * 60 * second,
    700 * 60 * second - 1,
  ]);
});
