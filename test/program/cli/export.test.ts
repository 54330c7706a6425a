import { beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type Day, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { before, date, recordedFolder, refetchedLine, secondOf, today } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { run } from "../../support/run.ts";

let dataDir = "";
beforeAll(async () => {
  dataDir = await recordedFolder();
});

const exportTo = (out: string, ...words: string[]) => run(["export", "--data-dir", dataDir, "--out", out, ...words]);
const books = ["--stream", "depth20"];

/** Returns the decoded output of `cat` for the same selection, with texts as stored. */
async function stored(
  ...words: string[]
): Promise<{ recv_us: number; bids: [string, string][]; asks: [string, string][] }[]> {
  const { output } = await run(["cat", "--data-dir", dataDir, ...words]);
  return output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("a book has a column for each price and quantity, best first, as doubles; DuckDB reads every row", async () => {
  const path = join(temporaryFolder(), "books.parquet");
  const { code, output, errors } = await exportTo(path, ...books);
  expect({ code, errors }).toEqual({ code: 0, errors: "" });
  expect(output).toStartWith(`${path}: 1,600 rows, `);
  const columns = await query(`select column_name, column_type from (describe from '${path}')`);
  expect(columns.slice(0, 7)).toEqual([
    ["recv_us", "BIGINT"],
    ["net_delay_ms", "DOUBLE"],
    ["last_update_id", "BIGINT"],
    ["bid_px_1", "DOUBLE"],
    ["bid_sz_1", "DOUBLE"],
    ["bid_px_2", "DOUBLE"],
    ["bid_sz_2", "DOUBLE"],
  ]);
  expect(columns.slice(-4)).toEqual([
    ["ask_px_20", "DOUBLE"],
    ["ask_sz_20", "DOUBLE"],
    ["recv_time", "TIMESTAMP WITH TIME ZONE"],
    ["since_gap", "BOOLEAN"],
  ]);
  expect(columns).toHaveLength(85);
  const rows = await query(`select recv_us, bid_px_1, bid_sz_1, ask_px_20, ask_sz_20 from '${path}' order by recv_us`);
  const lines = await stored(...books);
  expect(rows).toEqual(
    lines.map(({ recv_us, bids, asks }) => [
      ...[String(recv_us), Number(bids[0]?.[0]), Number(bids[0]?.[1])],
      ...[Number(asks[19]?.[0]), Number(asks[19]?.[1])],
    ]),
  );
});

test("--numbers decimal is exact: every price and quantity of every row, compared with the stored text", async () => {
  const path = join(temporaryFolder(), "books.parquet");
  await exportTo(path, ...books, "--numbers", "decimal");
  const [[type]] = (await query(`select typeof(bid_px_1) from '${path}' limit 1`)) as [[string]];
  expect(type).toBe("DECIMAL(18,8)");
  const names = ["bid", "ask"].flatMap((side) =>
    Array.from({ length: 20 }, (_, n) => [`${side}_px_${n + 1}`, `${side}_sz_${n + 1}`]).flat(),
  );
  const rows = await query(
    `select ${names.map((name) => `${name}::varchar`).join(", ")} from '${path}' order by recv_us`,
  );
  const lines = await stored(...books);
  expect(rows).toHaveLength(lines.length);
  expect(rows).toEqual(lines.map(({ bids, asks }) => [...bids.flat(), ...asks.flat()]));
});

test("--levels list keeps a side as two lists; CSV has the same columns with the stored text", async () => {
  const folder = temporaryFolder();
  await exportTo(join(folder, "a.parquet"), ...books, "--levels", "list", "--numbers", "text");
  await exportTo(join(folder, "b.csv"), ...books, "--levels", "list");
  await exportTo(join(folder, "c.csv"), ...books);
  const lines = await stored(...books);
  const [firstRow] = await query(`select bid_px, ask_sz from '${folder}/a.parquet' order by recv_us limit 1`);
  expect(firstRow).toEqual([lines[0]?.bids.map(([price]) => price), lines[0]?.asks.map(([, quantity]) => quantity)]);
  const lists = await query(
    `select bid_px::varchar[], count(*) over () from read_csv('${folder}/b.csv') order by recv_us limit 1`,
  );
  expect(lists[0]).toEqual([lines[0]?.bids.map(([price]) => price), String(lines.length)]);
  const text = readFileSync(join(folder, "c.csv"), "utf8").split("\n");
  expect(text[0]).toStartWith("recv_us,net_delay_ms,last_update_id,bid_px_1,bid_sz_1,");
  expect(text[1]).toBe(
    [
      ...[lines[0]?.recv_us, 12, 85_800, ...(lines[0]?.bids.flat() ?? []), ...(lines[0]?.asks.flat() ?? [])],
      ...[`${before}T23:50:00.000000Z`, false],
    ].join(","),
  );
  expect(text).toHaveLength(lines.length + 2);
});

test("a folder gets a file a stream, symbol and day, which DuckDB reads as one table", async () => {
  const out = `${temporaryFolder()}/`;
  const { output } = await exportTo(out, "--format", "parquet", "--json");
  expect([...new Glob("**/*").scanSync(out)]).toHaveLength(9);
  expect(JSON.parse(output)).toHaveLength(9);
  const path = `${out}stream=aggTrade/symbol=ETHUSDT/date=${date}/ETHUSDT-aggTrade-${date}.parquet`;
  expect(JSON.parse(output)).toContainEqual({ path, rows: 600, bytes: statSync(path).size });
  const rows = await query(
    `select symbol, date::varchar, count(*)::int, min(agg_trade_id)::int, max(price), any_value(is_buyer_maker order by recv_us)
     from read_parquet('${out}stream=aggTrade/**/*.parquet', hive_partitioning = true) group by all order by all`,
  );
  expect(rows).toEqual(
    ["BTCUSDT", "ETHUSDT"].flatMap((symbol) => [
      [symbol, before, 600, 85_800, 86704.77, true],
      [symbol, date, 600, 86_400, 86704.77, true],
      [symbol, today, 400, 172_800, 86704.77, true],
    ]),
  );
});

test("several symbols in one file are refused without --with-symbol, several streams always", async () => {
  const path = join(temporaryFolder(), "trades.parquet");
  const refused = await exportTo(path, "--stream", "aggTrade");
  expect(refused).toMatchObject({ code: 2, errors: expect.stringContaining("--with-symbol") });
  expect((await exportTo(path)).errors).toContain("a file holds a single stream");
  expect(existsSync(path)).toBe(false);
  await exportTo(path, "--stream", "aggTrade", "--with-symbol", "--compression", "snappy");
  const rows = await query(`select symbol, count(*)::int from '${path}' group by all order by all`);
  expect(rows).toEqual([
    ["BTCUSDT", 1600],
    ["ETHUSDT", 1600],
  ]);
});

/** A data folder with these lines of one stream. */
function folderOf(stream: string, ...lines: string[]): string {
  const folder = temporaryFolder();
  const day: Day = { stream, symbol: "BTCUSDT", date: today };
  writeRaw(folder, { ...day, name: "00-00" }, lines.join(""));
  return folder;
}

async function exported(stream: string, lines: string[], ...words: string[]): Promise<Record<string, unknown>[]> {
  const path = join(temporaryFolder(), "out.parquet");
  const ran = await run(["export", "--data-dir", folderOf(stream, ...lines), "--out", path, ...words]);
  expect(ran.code).toBe(0);
  const names = (await query(`select column_name from (describe from '${path}')`)).map(([name]) => String(name));
  const rows = await query(`select * from '${path}'`);
  return rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]])));
}

const now = secondOf(today, 0);
const nowMs = now / 1000;
const sinceNow = { recv_time: `${today} 00:00:00+00`, since_gap: false };

test("the fields of each stream have Binance's meaning, also in backfilled trades", async () => {
  const diff = `{"e":"depthUpdate","E":${nowMs},"s":"BTCUSDT","U":7,"u":9,"b":[["10.10000000","1.00000000"],["10.00000000","0.00000000"]],"a":[]}`;
  expect(await exported("depth", [encodeLine(diff, now, null)])).toEqual([
    {
      ...{
        recv_us: String(now),
        net_delay_ms: null,
        event_time_ms: String(nowMs),
        first_update_id: "7",
        final_update_id: "9",
        event_time: `${today} 00:00:00+00`,
        ...sinceNow,
      },
      ...{ bid_px: [10.1, 10], bid_sz: [1, 0], ask_px: [], ask_sz: [] },
    },
  ]);
  const ticker = `{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}`;
  expect(await exported("bookTicker", [encodeLine(ticker, now, 3)])).toEqual([
    {
      ...{ recv_us: String(now), net_delay_ms: 3, update_id: "400900217", ...sinceNow },
      ...{ bid_px: 25.3519, bid_sz: 31.21, ask_px: 25.3652, ask_sz: 40.66 },
    },
  ]);
  const book = `{"lastUpdateId":5,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200","12.00000000"]]}`;
  expect(await exported("depthSnapshot", [encodeLine(book, now, null)])).toEqual([
    {
      recv_us: String(now),
      net_delay_ms: null,
      last_update_id: "5",
      bid_px: [4],
      bid_sz: [431],
      ask_px: [4.000002],
      ask_sz: [12],
      ...sinceNow,
    },
  ]);
  const trade = `{"e":"trade","E":${nowMs},"s":"BTCUSDT","t":12345,"p":"0.00100000","q":"100.00000000","T":${nowMs - 1},"m":true,"M":true}`;
  const rest = `{"recv_us":${now + 1000},"net_delay_ms":null,"repaired":true,"id":12346,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":${nowMs + 1},"isBuyerMaker":false,"isBestMatch":true}\n`;
  expect(await exported("trade", [encodeLine(trade, now, 2), rest])).toEqual([
    {
      ...{
        recv_us: String(now),
        net_delay_ms: 2,
        repaired: false,
        event_time_ms: String(nowMs),
        trade_time_ms: String(nowMs - 1),
        event_time: `${today} 00:00:00+00`,
        trade_time: `${date} 23:59:59.999+00`,
        ...sinceNow,
      },
      ...{ trade_id: "12345", price: 0.001, quantity: 100, is_buyer_maker: true },
    },
    {
      ...{
        recv_us: String(now + 1000),
        net_delay_ms: null,
        repaired: true,
        event_time_ms: null,
        trade_time_ms: String(nowMs + 1),
        recv_time: `${today} 00:00:00.001+00`,
        event_time: null,
        trade_time: `${today} 00:00:00.001+00`,
        since_gap: false,
      },
      ...{ trade_id: "12346", price: 4.000001, quantity: 12, is_buyer_maker: false },
    },
  ]);
  expect(await exported("aggTrade", [refetchedLine(now, 5)])).toMatchObject([
    { repaired: true, event_time_ms: null, agg_trade_id: "5", first_trade_id: "10", last_trade_id: "11" },
  ]);
});

test("a book with fewer levels has nulls for the rest", async () => {
  const payload = `{"lastUpdateId":5,"bids":[["4.00000000","431.00000000"]],"asks":[]}`;
  for (const numbers of ["float64", "decimal"]) {
    const [row] = await exported("depth5", [encodeLine(payload, now, 1)], "--numbers", numbers);
    const isDecimal = numbers === "decimal";
    expect(row).toMatchObject({
      bid_px_1: isDecimal ? "4.00000000" : 4,
      bid_px_2: null,
      bid_sz_5: null,
      ask_px_1: null,
    });
  }
});

test("a value that does not fit into a DECIMAL is refused with advice, and no file is left behind", async () => {
  const payload = `{"lastUpdateId":5,"bids":[["0.00000001","123456789012.00000000"]],"asks":[]}`;
  const folder = folderOf("depth5", encodeLine(payload, now, 1));
  const out = temporaryFolder();
  const words = ["export", "--data-dir", folder, "--out", join(out, "a.parquet"), "--numbers"];
  const refused = await run([...words, "decimal"]);
  expect(refused).toMatchObject({
    code: 2,
    errors: expect.stringContaining("123456789012.00000000 does not fit into DECIMAL(18, 8); use --numbers text"),
  });
  expect([...new Glob("**/*").scanSync(out)]).toEqual([]);
  await run([...words, "text"]);
  expect(await query(`select bid_sz_1::decimal(38, 8)::varchar from '${out}/a.parquet'`)).toEqual([
    ["123456789012.00000000"],
  ]);
});

test("a damaged source is named and its file is not written; --skip-damaged exports the rest, also with exit code 1", async () => {
  const own = await recordedFolder();
  const path = segmentPath(own, { stream: "aggTrade", symbol: "BTCUSDT", date: today, name: "00-00" }, "sealed");
  truncateSync(path, 100);
  const out = join(temporaryFolder(), "trades.csv");
  const words = ["export", "--data-dir", own, "--out", out, "--stream", "aggTrade", "--symbol", "BTCUSDT"];
  const refused = await run(words);
  expect([refused.code, refused.output]).toEqual([1, ""]);
  expect(refused.errors).toContain(path);
  expect(refused.errors).toContain(`did not write ${out}`);
  expect(existsSync(out)).toBe(false);
  const { code, output, errors } = await run([...words, "--skip-damaged"]);
  expect(code).toBe(1);
  expect(errors).toContain(path);
  expect(output).toContain("1,300 rows");
}, 60_000);

test("all mistakes are reported at once, exit code 2", async () => {
  const { code, errors } = await exportTo(join(temporaryFolder(), "a.csv"), "--levels", "lists", "--numbers", "text");
  expect(code).toBe(2);
  expect(errors).toContain('--levels "lists" is not accepted (did you mean "list"?); give columns, list');
  expect(errors).toContain("--numbers applies to --format parquet only");
  expect((await exportTo("somewhere")).errors).toContain("--format is missing; give csv or parquet");
  expect((await run(["export", "--data-dir", dataDir])).errors).toContain("--out FILE_OR_DIR is missing");
});
