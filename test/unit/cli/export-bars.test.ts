import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "@uwdata/flechette";
import { openGapList, selectionOf } from "../../../server/cli/data/selection.ts";
import { planBars } from "../../../server/cli/export/bars/bar-plan.ts";
import { barSettings } from "../../../server/cli/export/bars/bar-settings.ts";
import { archivePath, type Day, dateStartUs } from "../../../server/domain/day.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { createSourceCheck } from "../../../server/storage/read/source-check.ts";
import { archiveHere, writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { bookLine, secondOf } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";

const [first, second, third] = ["2026-11-20", "2026-11-21", "2026-11-22"] as const;
const symbols = ["BTCUSDT", "ETHUSDT"] as const;
const begin = secondOf(first, 85_800) + 20e6;
const delayUs = 30_000;

/** A trade every 2 s whose price and quantity differ from its neighbours'. */
function trade(symbol: string, id: number): { us: number; line: string; refetched: string } {
  const us = begin + id * 2e6 - delayUs;
  const price = `${100 + ((id * 7919) % 1000)}.${String((id * 31) % 100).padStart(2, "0")}000000`;
  const quantity = `0.${String((id * 104_729) % 100_000_000).padStart(8, "0")}`;
  const members = `"p":"${price}","q":"${quantity}","f":${id * 3},"l":${id * 3 + (id % 3)},"T":${us / 1000},"m":${id % 2 === 0}`;
  const payload = `{"e":"aggTrade","E":${us / 1000},"s":"${symbol}","a":${id},${members},"M":true}`;
  return {
    us: us + delayUs,
    line: encodeLine(payload, us + delayUs, 30),
    refetched: `{"recv_us":${us},"net_delay_ms":null,"repaired":true,"a":${id},${members},"M":true}\n`,
  };
}

/** Ids of trades that are absent, by the gap's name. `backfilled` came later over REST. */
const holes = { open: [100, 130], backfilled: [200, 215], midnight: [290, 300], unlisted: [400, 401] } as const;
const isIn = (id: number, [from, to]: readonly [number, number]) => id >= from && id < to;

let dataDir = "";
beforeAll(async () => {
  dataDir = temporaryFolder();
  const gapOf = (symbol: string, [from, to]: readonly [number, number], repaired: number): Gap => ({
    ...{ stream: "aggTrade", symbol, cause: "reconnect", missing: to - from, repaired },
    ...{ from_us: trade(symbol, from - 1).us, to_us: trade(symbol, to).us },
  });
  for (const symbol of symbols) {
    const { midnight, ...others } = holes;
    const absent = symbol === "BTCUSDT" ? [...Object.values(others), midnight] : Object.values(others);
    const gaps = [gapOf(symbol, holes.open, 3), gapOf(symbol, holes.backfilled, 15)];
    if (absent.includes(midnight)) gaps.push(gapOf(symbol, midnight, 0));
    const lines = new Map<string, string>();
    for (let id = 0; id < 900; id++) {
      const { us, line, refetched } = trade(symbol, id);
      const isBackfilled = isIn(id, holes.backfilled) || (isIn(id, holes.open) && id % 10 === 0);
      if (!isBackfilled && absent.some((hole) => isIn(id, hole))) continue;
      const window = `${new Date(us / 1000).toISOString().slice(0, 15)}0${isBackfilled ? "_02" : ""}`;
      lines.set(window, (lines.get(window) ?? "") + (isBackfilled ? refetched : line));
    }
    const segments = [...lines].map(([window, text]) => {
      const segment = {
        stream: "aggTrade",
        symbol,
        date: window.slice(0, 10),
        name: window.slice(11).replace(":", "-"),
      };
      writeRaw(dataDir, segment, text);
      return segment;
    });
    const gapsOf = ({ date }: Day) => {
      const startUs = dateStartUs(date);
      const clip = (gap: Gap) => ({
        ...gap,
        from_us: Math.max(gap.from_us, startUs),
        to_us: Math.min(gap.to_us, startUs + 86_400e6),
      });
      return gaps.map(clip).filter(({ from_us, to_us }) => from_us < to_us);
    };
    // The newest segments of the second day stay as they are: a merged day, and segments beside it.
    await archiveHere(
      dataDir,
      segments.filter(({ date }) => date === first),
      { gapsOf },
    );
    await archiveHere(
      dataDir,
      segments.filter(({ date }) => date === second),
      { gapsOf, before: third },
    );
  }
  await archiveBooks();
});
afterAll(() => rmSync(dataDir, { recursive: true }));

/** Books of BTCUSDT, three in 2 s, as numbers of them: absent with a gap, absent for 5 s without, and for 80 s. */
const bookHoles = { gap: [450, 495], short: [600, 608], long: [900, 1020] } as const;
const bookUs = (n: number) => begin + 100 + Math.round((n * 2e6) / 3);

async function archiveBooks(): Promise<void> {
  const lines = new Map<string, string>();
  for (let n = 0; n < 1600; n++) {
    if (Object.values(bookHoles).some((hole) => isIn(n, hole))) continue;
    const us = bookUs(n);
    const date = us < dateStartUs(second) ? first : second;
    lines.set(date, (lines.get(date) ?? "") + bookLine(us, n + 1).replace(/("asks":\[\["[\d.]+",")0/, `$1${n % 5}`));
  }
  const [from, to] = bookHoles.gap;
  const gap: Gap = {
    ...{ stream: "depth20", symbol: "BTCUSDT", cause: "silent", missing: null, repaired: 0 },
    ...{ from_us: bookUs(from - 1), to_us: bookUs(to) },
  };
  const segments = [...lines].map(([date, text]) => {
    const segment = { stream: "depth20", symbol: "BTCUSDT", date, name: date === first ? "23-50" : "00-00" };
    writeRaw(dataDir, segment, text);
    return segment;
  });
  await archiveHere(dataDir, segments, { gapsOf: ({ date }) => (date === first ? [gap] : []) });
}

type Exported = {
  files: { path: string; rows: number; left_out: unknown }[];
  summary: readonly string[];
  told: string[];
};

async function exportBars(flags: Record<string, string>): Promise<Exported> {
  const all = { "data-dir": dataDir, ...flags };
  const settings = barSettings(all);
  if (settings === null) throw new Error("no bars");
  const plan = planBars(settings, selectionOf(all));
  const { signal: stop } = new AbortController();
  const told: string[] = [];
  const files: Exported["files"] = [];
  const deps = {
    ...{ check: createSourceCheck(stop), gapsOf: openGapList(dataDir, () => {}), stop, onProgress() {} },
    onDamage: (_path: string, problem: string) => void told.push(problem),
  };
  for await (const event of plan.run(deps)) {
    if (event.kind === "written") files.push({ ...event.file, left_out: event.file.left_out });
    else told.push(`not written: ${event.name}`);
  }
  return { files, summary: plan.summary(), told };
}

/** The bars of whole minutes, by DuckDB from the lines of the archives. */
const barsInSql = (symbol: string) => `
  select epoch_us(time_bucket(interval '1 minute', make_timestamp("T" * 1000))) as start_us, arg_min(p, a) as open, max(p) as high,
    min(p) as low, arg_max(p, a) as close, sum(q)::decimal(18, 8) as volume, round(sum(p::decimal(19, 8) * q::decimal(19, 8)), 8)::decimal(18, 8) as quote_volume,
    sum(l - f + 1)::bigint as trades, coalesce(sum(q) filter (not m), 0)::decimal(18, 8) as taker_buy_volume
  from read_json('${dataDir}/archive/stream=aggTrade/symbol=${symbol}/*/*.jsonl.zst', columns = {
    a: 'BIGINT', p: 'DECIMAL(18, 8)', q: 'DECIMAL(18, 8)', f: 'BIGINT', l: 'BIGINT', "T": 'BIGINT', m: 'BOOLEAN'})
  group by start_us`;

/** Minutes that miss a trade, by the ids of the absent trades, with the minutes around that cannot be known to be whole. */
function brokenMinutes(): Set<number> {
  const minutes = new Set<number>();
  for (const [name, [from, to]] of Object.entries(holes)) {
    if (name === "backfilled") continue;
    const [fromUs, toUs] = [trade("", from - 1).us - delayUs, trade("", to).us - delayUs];
    for (let us = Math.floor(fromUs / 60e6) * 60e6; us <= toUs; us += 60e6) minutes.add(us);
  }
  return minutes;
}

test("minutes equal DuckDB's over two days and midnight, except those that touch a gap that was not backfilled: they have no bar", async () => {
  const out = join(temporaryFolder(), "bars.parquet");
  const { files, summary, told } = await exportBars({ bars: "1m", symbol: "BTCUSDT", out, numbers: "decimal" });
  const columns = "start_us, open, high, low, close, volume, quote_volume, trades, taker_buy_volume";
  const own = await query(`select ${columns} from '${out}' order by all`);
  const theirs = await query(`select ${columns} from (${barsInSql("BTCUSDT")}) order by all`);
  const broken = brokenMinutes();
  // The first minute began before the recording, the last is not over.
  const isWhole = (row: readonly unknown[], at: number) =>
    at > 0 && at < theirs.length - 1 && !broken.has(Number(row[0]));
  expect(own).toEqual(theirs.filter(isWhole));
  expect(own.length).toBe(31 - 2 - broken.size);
  expect(told).toEqual([]);
  expect(files).toMatchObject([{ rows: own.length, left_out: { gap: broken.size, start: 1, end: 1 } }]);
  expect(summary).toEqual([
    "Bars are made from aggTrade.",
    `${broken.size + 2} bars left out: ${broken.size} touching a gap that was not backfilled in full, 1 begun before the recording, 1 not finished.`,
  ]);
  // since_gap: the first bar behind each gap.
  const marks = await query(`select start_us from '${out}' where since_gap order by all`);
  const isMarked = (us: number) => !broken.has(us) && broken.has(us - 60e6);
  expect(marks.flat().map(Number)).toEqual(own.map(([us]) => Number(us)).filter(isMarked));
  const facts = new Map(
    (await query(`select decode(key), decode(value) from parquet_kv_metadata('${out}')`)) as [string, string][],
  );
  const manifests = [first, second].map((date) =>
    readManifest(dataDir, { stream: "aggTrade", symbol: "BTCUSDT", date }),
  );
  const inFile: { from_us: number; to_us: number }[] = JSON.parse(facts.get("rt_data.gaps") ?? "");
  const known = manifests.flatMap((manifest) => manifest?.gaps ?? []);
  expect(inFile[0]?.from_us).toBe(known[0]?.from_us as number);
  expect(inFile.reduce((sum, { from_us, to_us }) => sum + to_us - from_us, 0)).toBe(
    known.reduce((sum, { from_us, to_us }) => sum + to_us - from_us, 0),
  );
  expect(JSON.parse(facts.get("rt_data.left_out") ?? "")).toEqual({ gap: broken.size, start: 1, end: 1 });
  expect([facts.get("rt_data.bars"), facts.get("rt_data.stream")]).toEqual(["1m", "aggTrade"]);
});

test("a folder gets a file a symbol and day, equal to the single file: bars go on over midnight, and each file counts its missing bars", async () => {
  const folder = temporaryFolder();
  const { files } = await exportBars({ bars: "1m", out: `${folder}/`, format: "csv" });
  const days = symbols.flatMap((symbol) => [first, second].map((date) => ({ symbol, date })));
  expect(files.map(({ path }) => path)).toEqual(
    days.map(({ symbol, date }) => join(folder, `bars=1m/symbol=${symbol}/date=${date}/${symbol}-1m-${date}.csv`)),
  );
  const one = join(folder, "one.csv.gz");
  const whole = await exportBars({ bars: "1m", out: one, "with-symbol": "" });
  const rowsOf = (from: string) =>
    query(`select symbol, columns(c -> c not in ('symbol', 'bars', 'date')) from ${from} order by symbol, start_us`);
  const apart = await rowsOf(`read_csv('${folder}/bars=1m/**/*.csv', hive_partitioning = true)`);
  expect(apart).toEqual(await rowsOf(`read_csv('${one}')`));
  const sum = (name: "gap" | "start" | "end") =>
    files.reduce((total, { left_out }) => total + ((left_out as Record<string, number>)[name] ?? 0), 0);
  expect(whole.files).toMatchObject([{ left_out: { gap: sum("gap"), start: sum("start"), end: sum("end") } }]);
});

test("a range has whole bars only, also around midnight, the same as in the whole: trades of the minutes around it make its ends complete", async () => {
  const folder = temporaryFolder();
  const all = join(folder, "all.csv");
  await exportBars({ bars: "1m", symbol: "ETHUSDT", out: all });
  for (const [from, to] of [
    [`${first}T23:55:00`, `${first}T23:58:30`],
    [`${first}T23:55:30`, second],
    [second, `${second}T00:09:00`],
  ] as const) {
    const part = join(folder, "part.csv");
    const { files } = await exportBars({ bars: "1m", symbol: "ETHUSDT", out: part, from, to });
    const [fromUs, toUs] = [from, to].map((text) => Date.parse(`${text.length > 10 ? text : `${text}T00:00`}Z`) * 1000);
    const expected = await query(`select * from '${all}' where start_us >= ${fromUs} and end_us <= ${toUs}`);
    expect(await query(`select * from '${part}'`)).toEqual(expected);
    expect([expected.length > 2, files[0]?.left_out]).toMatchObject([true, { start: 0, end: 0 }]);
    // The bars at midnight are among them.
    const ends = [Math.ceil((fromUs ?? 0) / 60e6) * 60e6, Math.floor((toUs ?? 0) / 60e6) * 60e6 - 60e6];
    expect([Number(expected[0]?.[0]), Number(expected.at(-1)?.[0])]).toEqual(ends);
  }
});

test("bars of trades, volume and quote volume equal a straightforward count in each stretch between gaps; the unfinished bar is left out", async () => {
  const out = join(temporaryFolder(), "bars.parquet");
  type Trade = { id: number; us: number; p: number; q: number; n: number };
  const lines = await query(
    `select a, "T" * 1000, (p * 100)::bigint, (q * 1e8)::bigint, l - f + 1 from read_json('${dataDir}/archive/stream=aggTrade/symbol=BTCUSDT/*/*.jsonl.zst',
      columns = {a: 'BIGINT', "T": 'BIGINT', p: 'DECIMAL(18, 8)', q: 'DECIMAL(18, 8)', f: 'BIGINT', l: 'BIGINT'}) order by a`,
  );
  const trades = lines.map((row): Trade => {
    const [id = 0, us = 0, p = 0, q = 0, n = 0] = row.map(Number);
    return { id, us, p, q, n };
  });
  const rules = {
    "40t": [40, (trade: Trade) => trade.n],
    "25v": [25e8, (trade: Trade) => trade.q],
    "4k$": [4000e10, (trade: Trade) => trade.p * trade.q],
    "0.004Mq": [4000e10, (trade: Trade) => trade.p * trade.q],
  } as const;
  for (const [bars, [size, amountOf]] of Object.entries(rules)) {
    const { files } = await exportBars({ bars, symbol: "BTCUSDT", out, numbers: "decimal" });
    const expected: string[][] = [];
    let left = 0;
    let bar: Trade[] = [];
    for (const [at, trade] of trades.entries()) {
      // A stretch ends where ids are missing, and where a gap begins that is not settled.
      const isBroken = trade.id !== (trades[at - 1]?.id ?? 0) + 1 || trade.id === holes.open[0];
      if (isBroken && bar.length > 0) {
        left++;
        bar = [];
      }
      bar.push(trade);
      if (bar.reduce((sum, part) => sum + amountOf(part), 0) < size) continue;
      const volume = bar.reduce((sum, { q }) => sum + q, 0);
      expected.push([String(bar[0]?.us), String(trade.us), (volume / 1e8).toFixed(8)]);
      bar = [];
    }
    const own = await query(`select start_us::text, end_us::text, volume::text from '${out}' order by all`);
    expect([bars, own.length > 5]).toEqual([bars, true]);
    expect(own).toEqual(expected);
    expect(files[0]?.left_out).toEqual({ gap: left, start: 0, end: bar.length > 0 ? 1 : 0 });
  }
});

test("--every joins the last book and the trades by receipt: equal to DuckDB's, without intervals that touch a gap of either", async () => {
  const out = join(temporaryFolder(), "features.parquet");
  const lastUs = Math.floor(bookUs(1599) / 5e6) * 5e6;
  const to = new Date(lastUs / 1000).toISOString();
  const flags = { every: "5s", levels: "3", symbol: "BTCUSDT", out, numbers: "decimal", to };
  const { files, summary } = await exportBars(flags);
  const own = await query(
    `select start_us, end_us, book_us, bid_px, ask_px, mid, spread, bid_depth, ask_depth, imbalance, trades, volume from '${out}' order by all`,
  );
  const starts = own.map(([start]) => Number(start));
  const theirs = await query(`
    with books as (
      select recv_us, bids[1][1]::decimal(18, 8) as bid, asks[1][1]::decimal(18, 8) as ask,
        bids[1][2]::decimal(18, 8) + bids[2][2]::decimal(18, 8) + bids[3][2]::decimal(18, 8) as bid_depth,
        asks[1][2]::decimal(18, 8) + asks[2][2]::decimal(18, 8) + asks[3][2]::decimal(18, 8) as ask_depth
      from read_json('${dataDir}/archive/stream=depth20/symbol=BTCUSDT/*/*.jsonl.zst')),
    trades as (
      select recv_us, q, l - f + 1 as n from read_json('${dataDir}/archive/stream=aggTrade/symbol=BTCUSDT/*/*.jsonl.zst',
        columns = {recv_us: 'BIGINT', q: 'DECIMAL(18, 8)', f: 'BIGINT', l: 'BIGINT'})),
    spans as (select unnest([${starts}]) as start_us),
    last as (select start_us, max(recv_us) as recv_us from spans join books on recv_us < start_us + 5000000 group by start_us),
    traded as (select start_us, sum(n) as n, sum(q) as q from spans left join trades on recv_us >= start_us and recv_us < start_us + 5000000 group by start_us)
    select start_us, start_us + 5000000, recv_us, bid, ask, ((bid + ask) / 2)::decimal(18, 8), (ask - bid)::decimal(18, 8), bid_depth::decimal(18, 8),
      ask_depth::decimal(18, 8), round((bid_depth - ask_depth)::double / (bid_depth + ask_depth)::double, 8)::decimal(18, 8),
      coalesce(n, 0)::bigint, coalesce(q, 0)::decimal(18, 8)
    from last join books using (recv_us) join traded using (start_us) order by all`);
  expect(own).toEqual(theirs);
  // Every 5 s from the second interval to the last but one, except where either side is broken.
  const touched = (fromUs: number, toUs: number, startUs: number) => fromUs < startUs + 5e6 && toUs > startUs;
  const [gapFrom, gapTo] = [bookUs(bookHoles.gap[0] - 1), bookUs(bookHoles.gap[1])];
  const [staleFrom, staleTo] = [bookUs(bookHoles.long[0] - 1), bookUs(bookHoles.long[1])];
  const isBroken = (startUs: number) =>
    touched(gapFrom, gapTo, startUs) ||
    (startUs + 5e6 > staleFrom && startUs + 5e6 <= staleTo) ||
    Object.entries(holes).some(
      ([name, [from, to]]) => name !== "backfilled" && touched(trade("", from - 1).us, trade("", to).us + 1, startUs),
    );
  const spans = Array.from({ length: 400 }, (_, n) => Math.floor(begin / 5e6) * 5e6 + n * 5e6);
  expect(starts).toEqual(spans.slice(1).filter((startUs) => startUs < lastUs && !isBroken(startUs)));
  const gaps = spans.slice(1).filter((startUs) => startUs < lastUs && isBroken(startUs)).length;
  expect(files[0]?.left_out).toEqual({ gap: gaps, start: 1, end: 0 });
  expect(summary[0]).toBe("Intervals are made from depth20 (3 levels) and aggTrade.");
});

test("--every of one side alone needs the other not; a symbol without the wanted streams is refused in words, as are mixtures", async () => {
  const out = join(temporaryFolder(), "side.csv");
  const books = await exportBars({ every: "1m", stream: "depth20", out });
  expect([books.summary[0], (await query(`describe from '${out}'`)).flat()]).toEqual([
    "Intervals are made from depth20 (10 levels).",
    expect.not.arrayContaining(["volume"]),
  ]);
  const trades = await exportBars({ every: "1m", stream: "aggTrade", symbol: "ETHUSDT", out });
  expect(trades.summary[0]).toBe("Intervals are made from aggTrade.");
  for (const [flags, problem] of [
    [
      { every: "1s" },
      "--every needs the order book of ETHUSDT, but no depth20, depth10, depth5 or bookTicker is recorded",
    ],
    [{ bars: "1m", stream: "depth20" }, "--bars is not made from depth20; give --stream aggTrade or trade"],
    [{ bars: "1m" }, "2 symbols are recorded (BTCUSDT, ETHUSDT): choose a symbol by --symbol"],
    [
      { every: "1s", symbol: "BTCUSDT", stream: "depth20", levels: "21" },
      '--levels "21" is not accepted; give levels a side',
    ],
    [
      { bars: "7m" },
      '--bars "7m" is not accepted; give an interval that divides a day such as 1m, or an amount: 1000t (trades)',
    ],
    [{ bars: "1m", out: "x.foo" }, "an --out that ends with .csv, .csv.gz, .csv.zst, .parquet or .feather)"],
    [{ every: "50ms" }, '--every "50ms" is not accepted; give an interval from 100ms to 1d that divides a day'],
    [{ bars: "1m", every: "1s" }, "--bars and --every are two kinds of rows"],
    [{ bars: "1m", levels: "5" }, "bars have no book"],
    [{ bars: "0t" }, '--bars "0t" is not accepted'],
    [{ bars: "1.5t" }, '--bars "1.5t" is not accepted'],
    [
      { bars: "1m", numbers: "ticks", format: "parquet" },
      '--numbers "ticks" is not accepted; give float64, decimal, text',
    ],
    [{ bars: "10t", format: "freqtrade", out: "x/" }, "freqtrade has candles: give --bars 1s, 1m"],
    [{ bars: "1m", format: "freqtrade", out: "x.feather" }, "--format freqtrade writes a file per pair"],
    [{ bars: "1m", format: "feather", numbers: "float64", out: "x.feather" }, "do not apply to --format feather"],
  ] as const)
    await expect(exportBars({ out, ...flags })).rejects.toThrow(problem);
});

/** A Feather file as another reader sees it: types by column, metadata, and rows with times in ms. */
function featherOf(path: string) {
  const table = tableFromIPC(readFileSync(path));
  const { fields, metadata } = table.schema;
  return {
    types: Object.fromEntries(fields.map(({ name, type }) => [name, type.typeId])),
    units: fields.flatMap(({ name, type }) =>
      "unit" in type && "timezone" in type ? [[name, type.unit, type.timezone]] : [],
    ),
    metadata: new Map(metadata ?? []),
    rows: table.toArray() as Record<string, unknown>[],
  };
}

test("a Feather file has the columns, nulls and metadata of the Parquet file, as another reader finds", async () => {
  const folder = temporaryFolder();
  const [feather, parquet] = [join(folder, "a.feather"), join(folder, "a.parquet")];
  const flags = { bars: "1s", symbol: "BTCUSDT", from: `${first}T23:55`, to: `${second}T00:03` };
  await exportBars({ ...flags, out: feather });
  await exportBars({ ...flags, out: parquet });
  const { types, units, metadata, rows } = featherOf(feather);
  const columns = await query(`select column_name from (describe from '${parquet}')`);
  expect(Object.keys(types)).toEqual(columns.flat().map(String));
  expect(units).toEqual([
    ["start_time", 2, "UTC"],
    ["end_time", 2, "UTC"],
  ]);
  const isText = ["start_us", "end_us", "trades"];
  const own = rows.map((row) =>
    Object.entries(row).map(([name, value]) => {
      if (name.endsWith("_time")) return String(Number(value) * 1000);
      return isText.includes(name) ? String(value) : value;
    }),
  );
  const read = columns.flat().map((name) => (String(name).endsWith("_time") ? `epoch_us(${name})` : String(name)));
  const theirs = await query(`select ${read.join(", ")} from '${parquet}'`);
  expect(own).toEqual(theirs as unknown[][]);
  // A second without a trade has the close of the second before, no volume, and no VWAP.
  const empty = await query(
    `select count(*)::int, count_if(open = before and high = before and low = before and close = before and volume = 0 and quote_volume = 0 and vwap is null)::int
     from (select *, lag(close) over (order by start_us) as before from '${parquet}') where trades = 0 and not since_gap and before is not null`,
  );
  expect([empty[0]?.[0], Number(empty[0]?.[1]) > 100]).toEqual([empty[0]?.[1], true]);
  expect(JSON.parse(metadata.get("rt_data.left_out") ?? "")).toMatchObject({ start: 0, end: 0 });
  expect(metadata.get("rt_data.bars")).toBe("1s");
});

test("--format freqtrade writes a file per pair into its folder: date in ms, OHLCV as doubles, ascending, without doubles", async () => {
  const folder = temporaryFolder();
  const { files } = await exportBars({ bars: "5m", format: "freqtrade", out: folder });
  expect(files.map(({ path }) => path)).toEqual([
    join(folder, "BTC_USDT-5m.feather"),
    join(folder, "ETH_USDT-5m.feather"),
  ]);
  const csv = join(folder, "bars.csv");
  await exportBars({ bars: "5m", symbol: "ETHUSDT", out: csv });
  const { types, units, rows } = featherOf(join(folder, "ETH_USDT-5m.feather"));
  expect(Object.keys(types)).toEqual(["date", "open", "high", "low", "close", "volume"]);
  expect(units).toEqual([["date", 1, "UTC"]]);
  const own = rows.map((row) => Object.values(row).map(Number));
  expect(own).toEqual(
    (await query(`select start_us / 1000, open, high, low, close, volume from '${csv}'`)).map((row) => row.map(Number)),
  );
  expect([own.length > 2, own.map(([date]) => date)]).toEqual([true, [...new Set(own.map(([date]) => date))].sort()]);
});

test("a damaged source: no file is written, an older file stays; --skip-damaged leaves out the bars that touch its day", async () => {
  const from = temporaryFolder();
  cpSync(dataDir, from, { recursive: true });
  const path = archivePath(from, { stream: "aggTrade", symbol: "BTCUSDT", date: second });
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 16;
  writeFileSync(path, bytes);
  const folder = temporaryFolder();
  const out = join(folder, "bars.csv");
  writeFileSync(out, "before");
  const refused = await exportBars({ bars: "1m", symbol: "BTCUSDT", out, "data-dir": from });
  expect(refused.told).toEqual([expect.stringContaining("SHA-256 differs"), `not written: ${out}`]);
  expect([refused.files, readFileSync(out, "utf8"), readdirSync(folder)]).toEqual([[], "before", ["bars.csv"]]);
  // Of several symbols the others are written to a folder.
  const apart = await exportBars({ bars: "1m", out: join(folder, "days/"), format: "csv", "data-dir": from });
  expect(apart.files.map(({ path }) => path.includes("ETHUSDT"))).toEqual([true, true]);
  const skipped = await exportBars({ bars: "1m", symbol: "BTCUSDT", out, "skip-damaged": "", "data-dir": from });
  const whole = join(folder, "whole.csv");
  await exportBars({ bars: "1m", symbol: "BTCUSDT", out: whole });
  const rows = await query(`select * from '${out}'`);
  expect(rows).toEqual((await query(`select * from '${whole}'`)).slice(0, rows.length));
  expect(Number(rows.at(-1)?.[0])).toBeLessThan(dateStartUs(second));
  expect([rows.length > 5, skipped.told.length]).toEqual([true, 1]);
  rmSync(from, { recursive: true });
});

test("a stop ends the export with an error; no file and no new folder stays", async () => {
  const folder = temporaryFolder();
  const flags = { bars: "1m", format: "parquet", out: join(folder, "new/"), "data-dir": dataDir };
  const settings = barSettings(flags);
  if (settings === null) throw new Error("no bars");
  const stop = new AbortController();
  const deps = {
    ...{ check: createSourceCheck(stop.signal), gapsOf: () => null, stop: stop.signal, onDamage() {} },
    // The second symbol: a file of the first is complete.
    onProgress: () => {},
  };
  const run = planBars(settings, selectionOf(flags)).run(deps)[Symbol.asyncIterator]();
  expect((await run.next()).value).toMatchObject({ kind: "written" });
  stop.abort();
  const failed = (async () => {
    while (!(await run.next()).done);
  })();
  await expect(failed).rejects.toThrow("the export was stopped");
  const files = readdirSync(folder, { recursive: true }).map(String);
  expect(files.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  expect(files.filter((name) => name.endsWith(".parquet")).every((name) => name.includes("BTCUSDT"))).toBe(true);
});
