import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCatalogue } from "../../server/catalogue/catalogue.ts";
import { temporaryFolder } from "../support/folder.ts";

const midnight = Date.parse("2026-11-23T00:00:00Z") * 1000;
const gap = (from_us: number, to_us: number) => ({
  stream: "depth20",
  symbol: "BTCUSDT",
  from_us,
  to_us,
  cause: "reconnect" as const,
});

test("a gap over midnight belongs to both days, each with its part", () => {
  const catalogue = openCatalogue(temporaryFolder());
  catalogue.addGap(gap(midnight - 5_000_000, midnight + 3_000_000));
  catalogue.addGap(gap(midnight + 10_000_000, midnight + 11_000_000));
  const of = (date: string, symbol = "BTCUSDT") => catalogue.gapsOf({ stream: "depth20", symbol, date });
  expect(of("2026-11-22")).toEqual([gap(midnight - 5_000_000, midnight)]);
  expect(of("2026-11-23")).toEqual([
    gap(midnight, midnight + 3_000_000),
    gap(midnight + 10_000_000, midnight + 11_000_000),
  ]);
  expect(of("2026-11-24")).toEqual([]);
  expect(of("2026-11-22", "ETHUSDT")).toEqual([]);
});

test("the next run learns when the last one received something, and whether it stopped of its own will", () => {
  const folder = temporaryFolder();
  const runs = [
    [1000, true],
    [2000, false],
  ] as const;
  let catalogue = openCatalogue(folder);
  expect(catalogue.beginRun(1)).toBeNull();
  for (const [lastRecvUs, clean] of runs) {
    catalogue.noteRun(lastRecvUs, clean);
    catalogue.close();
    catalogue = openCatalogue(folder);
    expect(catalogue.beginRun(lastRecvUs + 1)).toEqual({ lastRecvUs, clean });
  }
});

test("a catalogue that is no database is named, with what can be done", () => {
  const folder = temporaryFolder();
  writeFileSync(
    join(folder, "rt-data.sqlite"),
    "this is not a database at all, but long enough to be looked at".repeat(100),
  );
  expect(() => openCatalogue(folder)).toThrow(/rt-data\.sqlite.*moved away/s);
});
