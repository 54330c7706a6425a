import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Catalogue, openCatalogue } from "../../../server/catalogue/catalogue.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import type { ArchivedDay, GapFilter } from "../../../server/domain/queries.ts";
import { temporaryFolder } from "../../support/folder.ts";

let folder: string;
let catalogue: Catalogue;
beforeEach(() => {
  folder = temporaryFolder();
  catalogue = openCatalogue(folder);
});
afterEach(() => catalogue.close());

const all: GapFilter = { stream: null, symbol: null, cause: null, fromUs: null, toUs: null };
const gap = (n: number, over: Partial<Gap> = {}): Gap => ({
  ...{ stream: "depth20", symbol: `S${n % 3}USDT`, from_us: 1000 + n, to_us: 1010 + n, cause: "reconnect" },
  ...{ missing: null, repaired: 0, ...over },
});

test("pages of gaps come newest first and contain each gap once, also if many begin at the same time", () => {
  const gaps = Array.from({ length: 25 }, (_, n) => gap(Math.floor(n / 10), { symbol: `S${n}USDT` }));
  for (const one of gaps) catalogue.saveGaps([one]);
  const seen: Gap[] = [];
  let after: string | null = null;
  let pages = 0;
  do {
    const { items, next } = catalogue.gapPages.page(all, 7, after);
    seen.push(...items);
    after = next;
    pages++;
  } while (after !== null);
  expect(pages).toBe(4);
  expect(new Set(seen.map(({ symbol }) => symbol)).size).toBe(25);
  expect(seen).toHaveLength(25);
  expect(seen.map(({ from_us }) => from_us)).toEqual(seen.map(({ from_us }) => from_us).toSorted((a, b) => b - a));
});

test("gaps are found by stream, symbol, cause and time; a gap that only touches a time span is in it", () => {
  for (let n = 0; n < 6; n++) catalogue.saveGaps([gap(n * 100, { cause: n === 3 ? "disk" : "reconnect" })]);
  catalogue.saveGaps([gap(1, { stream: "aggTrade" })]);
  const found = (over: Partial<GapFilter>) =>
    catalogue.gapPages.page({ ...all, ...over }, 50, null).items.map(({ from_us }) => from_us);
  expect(found({ cause: "disk" })).toEqual([1300]);
  expect(found({ stream: "aggTrade" })).toEqual([1001]);
  expect(found({ symbol: "S1USDT" })).toEqual([1400, 1100, 1001]);
  expect(found({ fromUs: 1105, toUs: 1301 })).toEqual([1300, 1200, 1100]);
  expect(found({ fromUs: 1110, toUs: 1300 })).toEqual([1200]);
  expect(catalogue.gapPages.count(1100, 1300)).toBe(2);
});

test("a span's gaps come in pieces, each once, though hundreds end at the same time and one begins before it", () => {
  const many = Array.from({ length: 1200 }, (_, n) =>
    gap(0, { symbol: `S${n}USDT`, to_us: 1010 + Math.floor(n / 700) }),
  );
  const around = [
    gap(0, { symbol: "LONGUSDT", from_us: 1, to_us: 9000 }),
    gap(0, { symbol: "OVERUSDT", from_us: 1, to_us: 900 }),
  ];
  catalogue.saveGaps([...many, ...around, gap(0, { symbol: "NEXTUSDT", from_us: 2000, to_us: 2001 })]);
  const pieces = [...catalogue.gapPages.pieces(900, 2000)];
  const symbols = pieces.flat().map(({ symbol }) => symbol);
  expect(symbols.toSorted()).toEqual([...many.map(({ symbol }) => symbol), "LONGUSDT"].toSorted());
  expect(pieces.length).toBeGreaterThan(1);
  expect(new Set(pieces.flat().map((one) => JSON.stringify(one)))).toEqual(
    new Set(catalogue.gapPages.between(900, 2000).map((one) => JSON.stringify(one))),
  );
});

const archived = (over: Partial<ArchivedDay>): ArchivedDay => ({
  ...{ stream: "depth20", symbol: "BTCUSDT", date: "2026-11-21", rows: 864_000, raw_bytes: 9, compressed_bytes: 3 },
  ...{ sha256: "ab", coverage: 1, gaps: 0, delay_p50_ms: 7, delay_p99_ms: null },
  ...{ first_recv_us: 1, last_recv_us: 9, minutes_with_rows: 1440, hole_us: 0, missing: 0, repaired: 0 },
  ...{ verified_us: null, missing_us: 0, ...over },
});

test("archived days come newest first in pages, individually, and as coverage of the least covered stream", () => {
  const { archiveDays } = catalogue;
  for (const date of ["2026-11-19", "2026-11-20", "2026-11-21"])
    for (const symbol of ["BTCUSDT", "ETHUSDT"]) archiveDays.save(archived({ date, symbol }), 5);
  archiveDays.save(archived({ stream: "aggTrade", coverage: 0.5, date: "2026-11-20" }), 6);
  const none = { stream: null, symbol: null, date: null };
  const first = archiveDays.page(none, 4, null);
  const second = archiveDays.page(none, 4, first.next);
  const names = [...first.items, ...second.items].map(({ date, symbol, stream }) => `${date} ${symbol} ${stream}`);
  expect(names).toEqual([
    "2026-11-21 BTCUSDT depth20",
    "2026-11-21 ETHUSDT depth20",
    "2026-11-20 BTCUSDT aggTrade",
    "2026-11-20 BTCUSDT depth20",
    "2026-11-20 ETHUSDT depth20",
    "2026-11-19 BTCUSDT depth20",
    "2026-11-19 ETHUSDT depth20",
  ]);
  expect(second.next).toBeNull();
  expect(archiveDays.get({ stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" })?.coverage).toBe(0.5);
  expect(archiveDays.coverage(null, "2026-11-20", "2026-11-20")).toEqual([
    { symbol: "BTCUSDT", date: "2026-11-20", coverage: 0.5, missing_us: 0 },
    { symbol: "ETHUSDT", date: "2026-11-20", coverage: 1, missing_us: 0 },
  ]);
  expect(archiveDays.coverage("depth20", "2026-11-20", "2026-11-20")[0]?.coverage).toBe(1);
  archiveDays.remove({ stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-20" });
  expect(archiveDays.known().get("depth20/BTCUSDT/2026-11-20")).toBe(5);
  expect(archiveDays.totals()).toEqual({ days: 6, rows: 6 * 864_000, compressed_bytes: 18 });
});

test("events, series and minutes are still there after the catalogue was opened again", () => {
  const { memory } = catalogue;
  for (let n = 0; n < 5; n++) catalogue.addEvent({ at_us: n, kind: "start", message: n === 0 ? "" : String(n) });
  memory.keepSeries([
    { from_us: 300, values: [1, null] },
    { from_us: 600, values: [2, 3] },
  ]);
  const rows = new Uint16Array(1440).fill(7);
  memory.keepMinutes("depth20/BTCUSDT", { dayStart: 0, firstUs: 1, lastUs: 2, rows });
  catalogue.close();
  catalogue = openCatalogue(folder);
  const first = catalogue.memory.events(2, null);
  expect(first.items.map(({ detail }) => detail)).toEqual(["4", "3"]);
  const second = catalogue.memory.events(3, first.next);
  expect(second).toEqual({
    items: [2, 1, 0].map((n) => ({ at_us: n, kind: "start", detail: n === 0 ? null : String(n) })),
    next: null,
  });
  expect(catalogue.memory.series(301)).toEqual([{ from_us: 600, values: [2, 3] }]);
  expect(catalogue.memory.series(0)).toHaveLength(1);
  expect(catalogue.memory.minutes()).toEqual([["depth20/BTCUSDT", { dayStart: 0, firstUs: 1, lastUs: 2, rows }]]);
});

test("the later time of verification of a day is kept, also when its manifest is read again", () => {
  const { archiveDays } = catalogue;
  const verified = () => archiveDays.all().map(({ verified_us }) => verified_us);
  archiveDays.save(archived({}), 5);
  expect(verified()).toEqual([null]);
  archiveDays.save(archived({ verified_us: 70 }), 5);
  archiveDays.save(archived({ verified_us: 60 }), 6);
  archiveDays.save(archived({ verified_us: null, rows: 3 }), 7);
  expect(verified()).toEqual([70]);
  archiveDays.saveVerified(archived({}), 80);
  expect(archiveDays.all()).toEqual([archived({ verified_us: 80, rows: 3 })]);
});

test("a catalogue with two tables of archived days becomes a catalogue with one table, and keeps all its data", () => {
  catalogue.close();
  rmSync(join(folder, "rt-data.sqlite"));
  const old = new Database(join(folder, "rt-data.sqlite"));
  old.run(twoTables);
  old.close();
  for (let start = 0; start < 2; start++) {
    catalogue = openCatalogue(folder);
    expect(catalogue.archiveDays.all()).toEqual([
      archived({ ...onlyOld, date: "2026-11-20", sha256: "", coverage: 0, delay_p50_ms: null }),
      archived({ ...onlyOld, date: "2026-11-21", verified_us: 78, coverage: 0.5 }),
    ]);
    // All are read from their manifests at the next look.
    expect([...catalogue.archiveDays.known()]).toEqual([
      ["depth20/BTCUSDT/2026-11-20", 0],
      ["depth20/BTCUSDT/2026-11-21", 0],
    ]);
    if (start === 0) catalogue.close();
  }
  const file = new Database(join(folder, "rt-data.sqlite"), { readonly: true });
  const tables = file.query<{ name: string }, []>("select name from sqlite_schema where name like 'archive%'").all();
  expect(tables).toEqual([{ name: "archive_day" }]);
  file.close();
});

const onlyOld = {
  rows: 8,
  raw_bytes: 9,
  compressed_bytes: 3,
  gaps: 2,
  hole_us: 4,
  missing: 6,
  repaired: 1,
  verified_us: 77,
  missing_us: null,
};

/** As catalogues were before 0.2. */
const twoTables = `
  create table archive (
    stream text not null, symbol text not null, date text not null, rows integer not null, raw_bytes integer not null,
    compressed_bytes integer not null, first_recv_us integer not null, last_recv_us integer not null,
    minutes_with_rows integer not null, gaps integer not null, hole_us integer not null, missing integer not null,
    repaired integer not null, verified_us integer,
    primary key (date, stream, symbol)
  ) strict, without rowid;
  create table archive_day (
    date text not null, symbol text not null, stream text not null, rows integer not null, raw_bytes integer not null,
    compressed_bytes integer not null, sha256 text not null, coverage real not null, gaps integer not null,
    delay_p50_ms real, delay_p99_ms real, manifest_ms integer not null,
    primary key (date, symbol, stream)
  ) strict, without rowid;
  insert into archive values
    ('depth20', 'BTCUSDT', '2026-11-20', 8, 9, 3, 1, 9, 1440, 2, 4, 6, 1, 77),
    ('depth20', 'BTCUSDT', '2026-11-21', 8, 9, 3, 1, 9, 1440, 2, 4, 6, 1, 78);
  insert into archive_day values
    ('2026-11-21', 'BTCUSDT', 'depth20', 8, 9, 3, 'ab', 0.5, 2, 7, null, 5),
    ('2026-11-22', 'BTCUSDT', 'depth20', 8, 9, 3, 'ab', 0.5, 2, 7, null, 6);
`;
