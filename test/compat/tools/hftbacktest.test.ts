import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { which } from "bun";
import { createBookBuilder } from "../../../server/domain/book/book-builder.ts";
import { type BookDiff, type BookImage, readBookDiff, readBookImage } from "../../../server/domain/book/book-text.ts";
import type { PriceLevels } from "../../../server/domain/book/price-levels.ts";
import { temporaryData } from "../../support/data/day-fixture.ts";
import { exportMarketHere } from "../../support/data/export-here.ts";
import { type EventRow, eventBook, flags, readEvents } from "../../support/data/npz.ts";
import { realDate, realDay, writeRealDay } from "../../support/data/real-folder.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { realDataMissing } from "../../support/simulator/real-data.ts";

const python =
  ["/usr/bin/python3", which("python3")].find(
    (path) => path !== null && Bun.spawnSync([path, "-c", "import numpy"]).exitCode === 0,
  ) ?? null;
const skipped = python === null ? " (skipped: no Python with numpy here)" : realDataMissing;

let dataDir = "";
let remove = () => {};
const folders = { depth: "", depth20: "" };
beforeAll(async () => {
  if (realDataMissing !== "") return;
  ({ dataDir, remove } = temporaryData());
  await writeRealDay(
    dataDir,
    realDay().filter(({ stream, symbol }) => stream !== "bookTicker" && (symbol === "BTCUSDT" || stream === "depth20")),
  );
  for (const book of ["depth", "depth20"] as const) {
    folders[book] = temporaryFolder();
    const symbol = book === "depth" ? "BTCUSDT" : "BTCUSDT,ETHUSDT";
    const { damages } = await exportMarketHere(dataDir, { format: "hftbacktest", out: folders[book], book, symbol });
    expect(damages).toEqual([]);
  }
}, 60_000);
afterAll(() => {
  remove();
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true });
});

const nameOf = (symbol: string) => `${symbol.toLowerCase()}_${realDate.replaceAll("-", "")}`;

/** hftbacktest's own checks, by numpy: the dtype of its documentation, the two rules of order, and what numpy itself would write. */
const program = `
import io, json, sys, zipfile
import numpy as np
event = np.dtype([("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"),
    ("order_id", "<u8"), ("ival", "<i8"), ("fval", "<f8")], align=True)
latency = np.dtype([("req_ts", "<i8"), ("exch_ts", "<i8"), ("resp_ts", "<i8"), ("_padding", "<i8")])
out = []
for path in sys.argv[1:]:
    data = np.load(path)["data"]
    again = io.BytesIO()
    np.save(again, data)
    packed = zipfile.ZipFile(path)
    raw = packed.read("data.npy")
    result = {"same": raw == again.getvalue(), "names": packed.namelist(), "test": packed.testzip(),
        "start": raw.index(b"\\n") + 1, "rows": len(data)}
    if "_latency" in path:
        result["dtype"] = data.dtype == latency
        result["rising"] = bool((np.diff(data["req_ts"]) > 0).all())
        result["later"] = bool((data["resp_ts"] > data["exch_ts"]).all() and (data["exch_ts"] > data["req_ts"]).all())
    else:
        result["dtype"] = data.dtype == event and bool(data.flags.aligned)
    if path == sys.argv[1]:
        exch = data[(data["ev"] & (1 << 31)) != 0]
        local = data[(data["ev"] & (1 << 30)) != 0]
        trades = exch[(exch["ev"] & 0xff) == 2]
        result.update(exchange=bool((np.diff(exch["exch_ts"]) >= 0).all()), local=bool((np.diff(local["local_ts"]) >= 0).all()),
            least=int((data["local_ts"] - data["exch_ts"]).min()), trades=len(trades), volume=round(float(trades["qty"].sum()), 5))
    out.append(result)
print(json.dumps(out))
`;

test.skipIf(skipped !== "")(
  `numpy reads the files as hftbacktest's arrays, byte for byte as it would write them${skipped}`,
  () => {
    const name = nameOf("BTCUSDT");
    const paths = [`${name}.npz`, `${name}_eod.npz`, `${name}_latency.npz`].map((file) => join(folders.depth, file));
    const { stdout, stderr } = Bun.spawnSync([python ?? "", "-c", program, ...paths]);
    expect(stderr.toString()).toBe("");
    const trades = realDay().filter(({ stream, symbol }) => stream === "trade" && symbol === "BTCUSDT");
    const volume = trades.reduce((sum, { payload }) => sum + Number(JSON.parse(payload).q), 0);
    const whole = { same: true, names: ["data.npy"], test: null, dtype: true };
    expect(JSON.parse(stdout.toString())).toMatchObject([
      // 256 bytes before the rows, a multiple of 64. The clock of that machine was behind: the least latency became 1 ms.
      {
        ...whole,
        start: 256,
        exchange: true,
        local: true,
        least: 1_000_000,
        trades: 9757,
        volume: Number(volume.toFixed(5)),
      },
      { ...whole, start: 256 },
      { ...whole, start: 192, rising: true, later: true },
    ]);
  },
  20_000,
);

const rowsOf = (book: keyof typeof folders, symbol: string) => readEvents(join(folders[book], `${nameOf(symbol)}.npz`));

function sideOf(levels: PriceLevels): (readonly [number, number])[] {
  return Array.from(
    { length: levels.size() },
    (_, rank) => [levels.price(rank), Number(levels.quantity(rank))] as const,
  );
}

/** Follows the events of one side of the backtest up to an instant. */
function follower(rows: readonly EventRow[], side: "exchange" | "local") {
  const book = eventBook();
  const valid = rows.filter(({ ev }) => (ev & flags[side]) !== 0);
  let next = 0;
  return {
    book,
    until(ns: bigint): void {
      for (; next < valid.length; next++) {
        const row = valid[next] as EventRow;
        if ((side === "exchange" ? row.exch : row.local) > ns) return;
        book.apply(row);
      }
    },
  };
}

test.skipIf(realDataMissing !== "")(
  `at 100 instants the events make the builder's book, for the machine and for the exchange${realDataMissing}`,
  () => {
    const rows = rowsOf("depth", "BTCUSDT");
    const records = realDay().flatMap(({ t, stream, symbol, payload }) => {
      if (symbol !== "BTCUSDT" || !stream.startsWith("depth") || stream === "depth20") return [];
      const read = stream === "depth" ? readBookDiff(payload) : readBookImage(payload);
      return [{ t, read, eventMs: stream === "depth" ? (JSON.parse(payload) as { E: number }).E : null }];
    });
    const facts = JSON.parse(readFileSync(join(folders.depth, `${nameOf("BTCUSDT")}.json`), "utf8")) as Record<
      string,
      number
    >;
    const addedMs = (facts.local_ts_added_ns ?? 0) / 1e6;
    const builder = createBookBuilder();
    const sides = { local: follower(rows, "local"), exchange: follower(rows, "exchange") };
    let compared = 0;
    for (const [n, { t, read, eventMs }] of records.entries()) {
      if (eventMs === null) builder.restBook(read as BookImage);
      else builder.diff(read as BookDiff);
      // All records of a ms belong to the same instant.
      const isInstant = n % 34 === 33 && records[n + 1]?.t !== t && eventMs !== null;
      if (!isInstant || !builder.isValid()) continue;
      sides.local.until(BigInt(t + addedMs) * 1_000_000n);
      sides.exchange.until(BigInt(eventMs) * 1_000_000n);
      for (const side of ["bids", "asks"] as const)
        for (const { book } of Object.values(sides)) expect(book.best(side)).toEqual(sideOf(builder[side]));
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(100);
  },
  30_000,
);

test.skipIf(realDataMissing !== "")(
  `each of the 6,881 depth20 frames is rebuilt from its events alone${realDataMissing}`,
  () => {
    let frames = 0;
    let events = 0;
    for (const symbol of ["BTCUSDT", "ETHUSDT"]) {
      const rows = rowsOf("depth20", symbol).filter(({ ev }) => (ev & flags.local) !== 0);
      const book = eventBook();
      const depth = rows.filter(({ ev }) => ev % 256 !== 2);
      events += depth.length;
      let next = 0;
      for (const { stream, symbol: of, payload } of realDay()) {
        if (stream !== "depth20" || of !== symbol) continue;
        const { bids, asks } = JSON.parse(payload) as Record<"bids" | "asks", [string, string][]>;
        const isEqual = () =>
          [bids, asks].every((levels, n) => {
            const best = book.best(n === 0 ? "bids" : "asks");
            return (
              best.length === levels.length &&
              levels.every(([px, qty], at) => Number(px) === best[at]?.[0] && Number(qty) === best[at]?.[1])
            );
          });
        // All events of a frame, however many it takes, and no event of the next frame.
        const local = depth[next]?.local;
        while (!isEqual() && next < depth.length) book.apply(depth[next++] as EventRow);
        expect([frames, isEqual()]).toEqual([frames, true]);
        expect(local === undefined || (depth[next - 1]?.local ?? 0n) <= local + 1_000_000_000n).toBe(true);
        frames++;
      }
      expect(next).toBe(depth.length);
    }
    // Two CLEAR rows for each of both symbols, then one row a level that is new, changed or gone.
    expect([frames, events]).toEqual([6881, 71_135 + 4]);
  },
  30_000,
);
