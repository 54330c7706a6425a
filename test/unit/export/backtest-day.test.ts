import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Flags } from "../../../server/cli/framework/command.ts";
import { bookDate, bookDayMs, bookGap, writeBookDay } from "../../support/data/book-day.ts";
import { temporaryData } from "../../support/data/day-fixture.ts";
import { exportMarketHere } from "../../support/data/export-here.ts";
import { type EventRow, flags as marks, readEvents, unpackNpz } from "../../support/data/npz.ts";
import { temporaryFolder } from "../../support/folder.ts";

const date = bookDate;
const startMs = bookDayMs;
const symbol = "BTCUSDT";
const gap = bookGap;
let dataDir = "";
let out = "";
let remove = () => {};

beforeAll(async () => {
  ({ dataDir, remove } = temporaryData());
  out = temporaryFolder();
  await writeBookDay(dataDir);
});
afterAll(() => {
  remove();
  rmSync(out, { recursive: true });
});

const name = "btcusdt_20261121";
const hft = (more: Flags = {}) =>
  exportMarketHere(dataDir, { format: "hftbacktest", out, from: date, to: "2026-11-22", ...more });
const kinds = ["", "depth", "trade", "clear", "snapshot"];

/** A row in words: validity, kind and side, exchange time and receipt in ms of the day, price and quantity. */
function inWords({ ev, exch, local, px, qty }: EventRow): string {
  const side = (ev & marks.buy) !== 0 ? "buy" : (ev & marks.sell) !== 0 ? "sell" : "all";
  const valid = [(ev & marks.exchange) !== 0 ? "E" : "", (ev & marks.local) !== 0 ? "L" : ""].join("");
  const [at, seen] = [exch, local].map((ns) => Number(ns - BigInt(startMs) * 1_000_000n) / 1e6);
  return `${valid} ${kinds[ev % 256]} ${side} ${at} ${seen} ${px} ${qty}`;
}
const eventsOf = (file: string) => readEvents(join(out, file)).map(inWords);

test("a day begins with the book that the day before left, and goes on behind a gap with the merged REST book", async () => {
  expect(await hft()).toMatchObject({ results: [{ kind: "written", rows: 16 }], damages: [] });
  expect(eventsOf(`${name}.npz`)).toEqual([
    // REST book and diffs of the day before, merged, with the event time of the last diff.
    "EL clear buy -410 100 8 0",
    "EL snapshot buy -410 100 9.9 2",
    "EL snapshot buy -410 100 8 6",
    "EL clear sell -410 100 11.5 0",
    "EL snapshot sell -410 100 11.5 1",
    // The trade comes before the change that it made at the same exchange time.
    "EL trade sell 90 100 10.5 2",
    "EL depth buy 90 100 10 1",
    "EL depth sell 90 100 11 3",
    "EL trade buy 190 200 10.5 2",
    "EL depth buy 190 200 10 0",
    // A backfilled trade: the machine did not see it.
    "E trade buy 700 705 10.7 1",
    // The REST book says 5 at 9, but a diff that came before it says 7.
    "EL clear buy 990 1050 9 0",
    "EL snapshot buy 990 1050 9 7",
    "EL clear sell 990 1050 12 0",
    "EL snapshot sell 990 1050 12 4",
    "EL depth buy 1090 1100 9.5 1.5",
  ]);
});

test("the book at the day's end, order latencies and the facts lie beside the events", () => {
  expect(readdirSync(out).sort()).toEqual([`${name}.json`, `${name}.npz`, `${name}_eod.npz`, `${name}_latency.npz`]);
  expect(
    readEvents(join(out, `${name}_eod.npz`)).map(({ ev, exch, local, px, qty }) => [ev, exch, local, px, qty]),
  ).toEqual([
    [3758096388, 0n, 0n, 9.5, 1.5],
    [3758096388, 0n, 0n, 9, 7],
    [3489660932, 0n, 0n, 12, 4],
  ]);
  const npy = unpackNpz(join(out, `${name}_latency.npz`));
  const words = new BigInt64Array(
    npy.buffer.slice(npy.byteOffset + 10 + npy.readUInt16LE(8), npy.byteOffset + npy.length),
  );
  // One row a second: the first event of each, 510 ms and 60 ms late.
  const ms = (at: number) => BigInt(startMs + at) * 1_000_000n;
  expect([...words]).toEqual([...[ms(100), ms(610), ms(1120), 0n], ...[ms(1050), ms(1110), ms(1170), 0n]]);
  const facts = JSON.parse(readFileSync(join(out, `${name}.json`), "utf8")) as Record<string, unknown>;
  expect(facts).toMatchObject({
    ...{ format: "hftbacktest", symbol, date, book: "depth", trades: "trade", on_gap: "keep", rows: 16 },
    ...{ file: `${name}.npz`, end_of_day: `${name}_eod.npz`, order_latency: `${name}_latency.npz` },
    ...{ tick_size: null, lot_size: null, clock_offset_ms: null, local_ts_added_ns: 0, median_delay_ns: 5_000_000 },
    gaps: [{ stream: "depth", cause: "reconnect", from_us: gap.from_us, to_us: gap.to_us }],
    archives: [
      { stream: "depth", rows: 4, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { stream: "trade", rows: 3, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ],
  });
});

test("--on-gap clear empties the book where the gap begins", async () => {
  await hft({ "on-gap": "clear" });
  const rows = eventsOf(`${name}.npz`);
  expect(rows.slice(10, 12)).toEqual(["EL clear all 395 400 NaN 0", "E trade buy 700 705 10.7 1"]);
  expect(rows).toHaveLength(17);
});

test("partial books become their differences, removed levels first, in their own order", async () => {
  await hft({ book: "depth20", stream: "depth20" });
  expect(eventsOf(`${name}.npz`)).toEqual([
    "EL clear buy 95 100 9 0",
    "EL snapshot buy 95 100 10 1",
    "EL snapshot buy 95 100 9 1",
    "EL clear sell 95 100 11 0",
    "EL snapshot sell 95 100 11 1",
    "EL depth buy 195 200 9 0",
    "EL depth buy 195 200 10 2",
    "EL depth buy 195 200 8 1",
    "EL depth buy 195 210 10 3",
  ]);
});

test("a stream that is not recorded, a book that is never known and flags without meaning are refused in words", async () => {
  const refusals: readonly (readonly [Flags, string])[] = [
    [
      { book: "depth5" },
      `depth5 of BTCUSDT is not recorded on ${date}; recorded: bookTicker, depth, depth20, depthSnapshot, trade.`,
    ],
    [
      { stream: "trade" },
      `an order book of BTCUSDT is not recorded on ${date}; recorded: trade. --format hftbacktest needs depth or`,
    ],
    [{ book: "depht" }, '--book "depht" is not accepted; give depth, depth20, depth10, depth5'],
    [{ "on-gap": "stop" }, '--on-gap "stop" is not accepted; give keep or clear'],
    [{ numbers: "ticks" }, "--numbers applies to --format csv and parquet only"],
    [{ out: "-" }, "writes several files: give a folder as --out, not -"],
    [
      { from: "2026-11-20T23:59:59.4", to: "2026-11-20T23:59:59.52" },
      "the book of BTCUSDT is unknown all through 2026-11-20: no REST book",
    ],
  ];
  for (const [more, words] of refusals) {
    const problem = await hft(more).then(
      () => "none",
      (error: Error) => error.message,
    );
    expect(problem).toContain(words);
  }
});

test("a day without a book at its end leaves no book of an earlier export behind", async () => {
  expect(existsSync(join(out, `${name}_eod.npz`))).toBe(true);
  writeFileSync(join(out, `${name}_eod.npz`), "old");
  // Up to the diff behind the missing ids.
  expect(await hft({ to: "2026-11-21T00:00:01.010" })).toMatchObject({ results: [{ kind: "written" }] });
  expect(readdirSync(out).sort()).toEqual([`${name}.json`, `${name}.npz`, `${name}_latency.npz`]);
});
