import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import { temporaryFolder } from "../../support/folder.ts";

const midnight = Date.parse("2026-11-23T00:00:00Z") * 1000;
const gap = (from_us: number, to_us: number) => ({
  stream: "depth20",
  symbol: "BTCUSDT",
  from_us,
  to_us,
  cause: "reconnect" as const,
  missing: null,
  repaired: 0,
});

test("a gap over midnight belongs to both days, each with its part", () => {
  const catalogue = openCatalogue(temporaryFolder());
  const gaps = [gap(midnight - 5_000_000, midnight + 3_000_000), gap(midnight + 10_000_000, midnight + 11_000_000)];
  catalogue.saveGaps(gaps);
  const of = (date: string, symbol = "BTCUSDT") => catalogue.gapsOf({ stream: "depth20", symbol, date });
  expect(of("2026-11-22")).toEqual([gap(midnight - 5_000_000, midnight)]);
  expect(of("2026-11-23")).toEqual([
    gap(midnight, midnight + 3_000_000),
    gap(midnight + 10_000_000, midnight + 11_000_000),
  ]);
  expect(of("2026-11-24")).toEqual([]);
  expect(of("2026-11-22", "ETHUSDT")).toEqual([]);
});

test("later information about a gap replaces earlier information, and backfilled records add up to at most the missing records", () => {
  const catalogue = openCatalogue(temporaryFolder());
  const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-23" };
  const first = gap(midnight, midnight + 5);
  catalogue.saveGaps([first]);
  const judged = { ...gap(midnight, midnight + 3), cause: "missing" as const, missing: 7 };
  catalogue.saveGaps([judged]);
  expect(catalogue.gapsOf(day)).toEqual([{ ...judged, to_us: first.to_us }]);
  for (const [records, repaired] of [
    [4, 4],
    [2, 6],
    [3, 7],
  ] as const) {
    catalogue.addBackfilled(first, records);
    expect(catalogue.gapsOf(day)[0]?.repaired).toBe(repaired);
  }
});

test("missing ids that are being backfilled survive a restart, with their progress", () => {
  const folder = temporaryFolder();
  const hole = {
    ...{ stream: "aggTrade", symbol: "BTCUSDT", fromId: 10, toId: 99, fromUs: 1, toUs: 2 },
    ...{ cause: "crash" as const, nextId: 10, fetched: 0 },
  };
  let catalogue = openCatalogue(folder);
  catalogue.holes.save(hole);
  catalogue.holes.save({ ...hole, nextId: 50, fetched: 39 });
  catalogue.holes.save({ ...hole, fromId: 200, toId: 201, nextId: 200 });
  catalogue.holes.remove({ stream: "aggTrade", symbol: "BTCUSDT", fromId: 200 });
  catalogue.close();
  catalogue = openCatalogue(folder);
  expect(catalogue.holes.all()).toEqual([{ ...hole, nextId: 50, fetched: 39 }]);
});

test("a catalogue of an older version is taken over with its gaps", () => {
  const folder = temporaryFolder();
  const old = new Database(join(folder, "rt-data.sqlite"), { create: true });
  old.run(
    "create table gap (stream text not null, symbol text not null, from_us integer not null, to_us integer not null, " +
      "cause text not null, primary key (stream, symbol, from_us)) strict, without rowid",
  );
  old.run(`insert into gap values ('depth20', 'BTCUSDT', ${midnight}, ${midnight + 9}, 'reconnect')`);
  old.close();
  const catalogue = openCatalogue(folder);
  const day = { stream: "depth20", symbol: "BTCUSDT", date: "2026-11-23" };
  expect(catalogue.gapsOf(day)).toEqual([gap(midnight, midnight + 9)]);
});

test("the next run knows when the last run received its last record, and whether it stopped cleanly", () => {
  const folder = temporaryFolder();
  const runs = [
    [1000, true],
    [2000, false],
  ] as const;
  let catalogue = openCatalogue(folder);
  expect(catalogue.beginRun(1)).toBeNull();
  for (const [lastRecvUs, clean] of runs) {
    catalogue.saveRun(lastRecvUs, clean);
    catalogue.close();
    catalogue = openCatalogue(folder);
    expect(catalogue.beginRun(lastRecvUs + 1)).toEqual({ lastRecvUs, clean });
  }
});
