import { beforeAll, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { which } from "bun";
import { listGaps } from "../../../server/cli/data/gaps.ts";
import { readFlags, type Terminal } from "../../../server/cli/framework/command.ts";
import { segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { openJournal } from "../../../server/journal/journal.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { recordedFolder, refetchedLine, secondOf, today } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";

const python =
  ["/usr/bin/python3", which("python3")].find(
    (path) => path !== null && Bun.spawnSync([path, "-c", "import pandas, zstandard"]).exitCode === 0,
  ) ?? null;
const skipped = python === null ? " (skipped: no Python with pandas and zstandard here)" : "";

const program = `
import json
from rt_data import book_at, gaps, in_gap, load, sql

trades = load("aggTrade", "BTCUSDT", "2026-11-20", "2026-11-23")
books = load("depth20", "BTCUSDT", "2026-11-22", levels=2)
diffs = load("depth", "SOLUSDT", "2026-11-22")

def failure(work):
    try:
        return str(work())
    except Exception as error:
        return f"{type(error).__name__}: {error}"

print(json.dumps({
    "trades": [len(trades), int(trades["repaired"].sum()), float(trades["quantity"].sum()), trades["recv_us"].is_monotonic_increasing],
    "times": str(trades["recv_time"].iloc[0]),
    "books": [list(books.columns), len(books), books["since_gap"].tolist()[:2]],
    "event_times": diffs["event_time_ms"].tolist(),
    "diffs": diffs[["first_update_id", "final_update_id", "bid_px", "ask_sz"]].values.tolist(),
    "gaps": {stream: gaps(stream, "BTCUSDT") for stream in ("depth20", "aggTrade")},
    "inside": in_gap([1, 5, 10, 15], [{"from_us": 5, "to_us": 10, "settled": False}, {"from_us": 15, "to_us": 20, "settled": True}], 2),
    "partial": book_at("BTCUSDT", "2026-11-22T00:00:30.5", levels=1),
    "rebuilt": [book_at("SOLUSDT", "2026-11-22T00:00:0%d" % second) for second in (2, 4)],
    "refused": [failure(lambda: book_at(*words)) for words in (("BTCUSDT", "2026-11-21T12:00"), ("SOLUSDT", "2026-11-22T00:00:07"), ("NIXUSDT", 1))],
    "sql": [sql("aggTrade", "BTCUSDT", "2026-11-20", "2026-11-23"), sql("depth20", "BTCUSDT", "2026-11-22", levels=2), sql("depth", "SOLUSDT", "2026-11-22")],
    "missing": [failure(lambda: load("depth20", "NIXUSDT", "2026-11-22")), failure(lambda: load("nix", "BTCUSDT", "2026-11-22"))],
}))
`;

let dataDir = "";
let found: Record<string, unknown>;

/** A book of SOLUSDT as REST gives it, and diffs of which some are older, some newer, with a missing diff. */
function writeDiffs(): void {
  const segment = { symbol: "SOLUSDT", date: today, name: "00-00" };
  const diff = (second: number, first: number, last: number, bid: string, ask: string) =>
    encodeLine(
      `{"e":"depthUpdate","E":${second === 1 ? "1795305600123456" : "1795305600123"},"s":"SOLUSDT","U":${first},"u":${last},"b":[${bid}],"a":[${ask}]}`,
      secondOf(today, second),
      5,
    );
  const book = `{"lastUpdateId":12,"bids":[["10.0","1"],["9.0","2"]],"asks":[["11.0","3"]]}`;
  writeRaw(dataDir, { ...segment, stream: "depthSnapshot" }, encodeLine(book, secondOf(today, 2), null));
  const lines = [
    ...[diff(0, 9, 11, '["10.0","7"]', ""), diff(1, 12, 14, '["9.0","0"]', '["11.0","4"]')],
    ...[diff(3, 15, 15, '["10.5","1"]', '["12.0","1"]'), diff(6, 18, 19, '["1.0","1"]', "")],
  ];
  writeRaw(dataDir, { ...segment, stream: "depth" }, lines.join(""));
}

beforeAll(async () => {
  if (python === null) return;
  dataDir = await recordedFolder();
  writeDiffs();
  // A backfilled trade comes late, into the open segment of a merged day and into today's.
  for (const [date, name] of [
    ["2026-11-21", "00-05"],
    [today, "00-05"],
  ] as const) {
    const path = segmentPath(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date, name }, "open");
    if (date === today) {
      const whole = readFileSync(path, "utf8");
      writeFileSync(path, whole.slice(0, whole.lastIndexOf("\n") + 1) + refetchedLine(secondOf(today, 400), 9));
      appendFileSync(path, '{"recv_us":17956');
    } else
      writeRaw(
        dataDir,
        { stream: "aggTrade", symbol: "BTCUSDT", date, name: "00-05" },
        refetchedLine(secondOf(date, 300), 8),
      );
  }
  const journal = openJournal(dataDir, { log: silentLog });
  const span = { from_us: secondOf(today, 399), to_us: secondOf(today, 400) };
  journal.saveGaps([{ stream: "aggTrade", symbol: "BTCUSDT", ...span, cause: "missing", missing: 1, repaired: 1 }]);
  await journal.close(1000);
  const folder = temporaryFolder();
  copyFileSync(join(import.meta.dir, "../../../ops/rt_data.py"), join(folder, "rt_data.py"));
  writeFileSync(
    join(folder, "read.py"),
    program.replace("import json\n", `import json, rt_data\nrt_data.DATA = ${JSON.stringify(dataDir)}\n`),
  );
  const { exitCode, stdout, stderr } = Bun.spawnSync([python, "read.py"], { cwd: folder });
  if (exitCode !== 0) throw new Error(stderr.toString());
  found = JSON.parse(stdout.toString());
});

test.skipIf(python === null)(
  `load() reads archives, late, sealed and open segments in order of receipt${skipped}`,
  () => {
    const [rows, repaired, , isInOrder] = found.trades as unknown[];
    expect([rows, repaired, isInOrder]).toEqual([1602, 2, true]);
    expect(found.times).toBe("2026-11-20 23:50:00+00:00");
    expect(found.books).toEqual([
      [
        ...["recv_us", "net_delay_ms", "last_update_id"],
        ...["bid_px_1", "bid_sz_1", "bid_px_2", "bid_sz_2", "ask_px_1", "ask_sz_1", "ask_px_2", "ask_sz_2"],
        ...["recv_time", "since_gap"],
      ],
      400,
      // The gap before it ended at midnight.
      [true, false],
    ]);
    // One of them was sent in µs.
    expect(new Set(found.event_times as number[])).toEqual(new Set([1795305600123]));
    expect(found.diffs).toContainEqual([12, 14, [9], [4]]);
    expect(found.missing).toEqual([
      "FileNotFoundError: no depth20 of NIXUSDT in " +
        `${dataDir} from 2026-11-22T00:00:00.000000Z to 2026-11-23T00:00:00.000000Z`,
      'ValueError: stream "nix" is unknown; give one of aggTrade, trade, bookTicker, blockTrade, miniTicker, depth, depthSnapshot, depth5, depth10, depth20',
    ]);
  },
);

test.skipIf(python === null)(`DuckDB reads the same by the SQL that load() would run${skipped}`, async () => {
  const [trades, books, diffs] = found.sql as string[];
  const [rows, repaired, quantity] = found.trades as number[];
  expect(await query(`select count(*)::int, count_if(repaired)::int, sum(quantity) from (${trades})`)).toEqual([
    [rows, repaired, expect.closeTo(quantity ?? 0, 6)],
  ]);
  expect(await query(`select count(*)::int, count_if(since_gap)::int from (${books})`)).toEqual([[400, 1]]);
  expect(await query(`select distinct event_time_ms::varchar from (${diffs})`)).toEqual([["1795305600123"]]);
  expect((await query(`describe ${books}`)).map(([name]) => name)).toEqual((found.books as unknown[][])[0] ?? []);
  expect(await query(`select final_update_id, bid_px, ask_sz from (${diffs}) limit 2`)).toEqual([
    ["11", [10], []],
    ["14", [9], [4]],
  ]);
});

test.skipIf(python === null)(`gaps() says what rt-data gaps says, with the gaps of today${skipped}`, async () => {
  const out = join(temporaryFolder(), "gaps.json");
  const terminal = { isInteractive: false, stop: new AbortController().signal, print() {} } as unknown as Terminal;
  await listGaps.run(readFlags(listGaps, ["--data-dir", dataDir, "--symbol", "BTCUSDT", "--out", out]), terminal);
  const listed: Record<string, unknown>[] = JSON.parse(readFileSync(out, "utf8"));
  const ours = Object.values(found.gaps as Record<string, object[]>).flat();
  const key = ({ stream, from_us }: Record<string, unknown>) => `${stream} ${from_us}`;
  const members = listed.map(({ from_time: _f, to_time: _t, seconds: _s, ...gap }) => gap);
  expect(ours.length).toBe(3);
  expect(Map.groupBy(ours as Record<string, unknown>[], key)).toEqual(Map.groupBy(members, key));
  expect(found.inside).toEqual([false, true, false, false]);
});

test.skipIf(python === null)(
  `book_at() takes the newest partial book, or rebuilds it; in a gap it refuses${skipped}`,
  () => {
    const [recvUs, bids, asks] = found.partial as [number, number[][], number[][]];
    expect([recvUs, bids.length, asks.length]).toEqual([secondOf(today, 30), 1, 1]);
    expect(found.rebuilt).toEqual([
      // The diff of second 1 was received before the REST book, which is older.
      [secondOf(today, 2), [[10, 1]], [[11, 4]]],
      [
        secondOf(today, 3),
        [
          [10.5, 1],
          [10, 1],
        ],
        [
          [11, 4],
          [12, 1],
        ],
      ],
    ]);
    const [inGap, missing, unknown] = found.refused as string[];
    expect(inGap).toContain("2026-11-21T12:00:00.000000Z lies in a gap of BTCUSDT");
    expect(missing).toContain("diffs of SOLUSDT are missing before id 18");
    expect(unknown).toContain("no book of NIXUSDT");
  },
);
