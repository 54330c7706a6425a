import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { archivePath, type Day, dateOf, liveFolder } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { writeArchiveAsParquet } from "../../../server/export/parquet/archive-parquet.ts";
import type { NumberForm } from "../../../server/export/table-file.ts";
import { type Manifest, readManifest } from "../../../server/storage/manifest.ts";
import { archiveHere, segmentOf, temporaryData, writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { realDataMissing, realMessages } from "../../support/simulator/real-data.ts";

/** Every column of a file, with its value in DuckDB's words: `line` is the text of a line. `T`: the type of prices and quantities. */
type Columns = readonly (readonly [name: string, value: string])[];

const integer = (member: string) => `(line->>'$.${member}')::bigint`;
const wholeMs = (member: string) =>
  `(case when ${integer(member)} < 1e14 then ${integer(member)} else ${integer(member)} // 1000 end)`;
const time = (member: string) =>
  `make_timestamp(case when ${integer(member)} < 1e14 then ${integer(member)} * 1000 else ${integer(member)} end)`;
const side = (member: string) => `((line->'$.${member}')::varchar[][])`;
const levels = (name: string): Columns =>
  Array.from({ length: 20 }, (_, n) => n + 1).flatMap((n) => [
    [`${name}_px_${n}`, `${name}s[${n}][1]::T`],
    [`${name}_sz_${n}`, `${name}s[${n}][2]::T`],
  ]);
const lists = (name: string, member: string): Columns => [
  [`${name}_px`, `list_transform(${side(member)}, lambda level: level[1]::T)`],
  [`${name}_sz`, `list_transform(${side(member)}, lambda level: level[2]::T)`],
];
const event: Columns = [
  ["event_time_ms", wholeMs("E")],
  ["event_time", time("E")],
];
const trades: Columns = [
  ...event,
  ["repaired", "false"],
  ["trade_time_ms", wholeMs("T")],
  ["trade_time", time("T")],
  ["price", "(line->>'$.p')::T"],
  ["quantity", "(line->>'$.q')::T"],
  ["is_buyer_maker", "(line->>'$.m')::boolean"],
];
const ofAll: Columns = [
  ["recv_us", integer("recv_us")],
  ["net_delay_ms", "(line->>'$.net_delay_ms')::double"],
  ["recv_time", `make_timestamp(${integer("recv_us")})`],
  ["since_gap", "false"],
];
const raw = "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz";
const streams: Record<string, { file: string; columns: Columns }> = {
  depth20: {
    file: "depth20+trade.btc-eth.2024-08-08.jsonl.gz",
    columns: [["last_update_id", integer("lastUpdateId")], ...levels("bid"), ...levels("ask")],
  },
  depth: {
    file: raw,
    columns: [
      ...[...event, ...lists("bid", "b"), ...lists("ask", "a")],
      ["first_update_id", integer("U")],
      ["final_update_id", integer("u")],
    ],
  },
  trade: { file: raw, columns: [...trades, ["trade_id", integer("t")]] },
  bookTicker: {
    file: raw,
    columns: [
      ["update_id", integer("u")],
      ["bid_px", "(line->>'$.b')::T"],
      ["bid_sz", "(line->>'$.B')::T"],
      ["ask_px", "(line->>'$.a')::T"],
      ["ask_sz", "(line->>'$.A')::T"],
    ],
  },
  aggTrade: {
    file: "depth20+aggTrade.btc-eth-dot.2021-04-04.jsonl.gz",
    columns: [
      ...trades,
      ["agg_trade_id", integer("a")],
      ["first_trade_id", integer("f")],
      ["last_trade_id", integer("l")],
    ],
  },
};

let dataDir = "";
let remove = () => {};
beforeAll(() => {
  ({ dataDir, remove } = temporaryData());
});
afterAll(() => remove());

/** Archives the real messages of a stream of BTCUSDT. Every second message has its times in µs: a file may hold both units. */
async function archived(stream: string, file: string): Promise<{ path: string; manifest: Manifest }> {
  let text = "";
  let latestUs = 0;
  for (const { t, raw } of realMessages(file)) {
    if (!raw.startsWith(`{"stream":"btcusdt@${stream}`) || !/^[@"]/.test(raw.slice(19 + stream.length))) continue;
    latestUs = Math.max(latestUs + 1, t * 1000);
    const payload = raw.slice(raw.indexOf(',"data":') + 8, -1);
    text += encodeLine(
      latestUs % 2 === 0 ? payload : payload.replace(/"([ET])":(\d{13})(?=,)/g, `"$1":$2${latestUs % 7}41`),
      latestUs,
      latestUs % 3 === 0 ? null : latestUs % 200,
    );
  }
  const day: Day = { stream, symbol: "BTCUSDT", date: dateOf(latestUs) };
  writeRaw(dataDir, segmentOf("00-00", day), text);
  await archiveHere(dataDir, [segmentOf("00-00", day)]);
  expect(liveFolder(dataDir, day)).toContain(stream);
  return { path: archivePath(dataDir, day), manifest: readManifest(dataDir, day) as Manifest };
}

const types: readonly (readonly [NumberForm, string])[] = [
  ["float64", "double"],
  ["decimal", "decimal(18, 8)"],
];

test.skipIf(realDataMissing !== "").each(Object.entries(streams))(
  `every column of real %s equals the text of the archive${realDataMissing}`,
  async (stream, { file, columns }) => {
    const { path, manifest } = await archived(stream, file);
    expect(manifest.rows).toBeGreaterThan(800);
    for (const [numbers, type] of types) {
      const target = join(dataDir, `${stream}-${numbers}.parquet`);
      const { signal: stop } = new AbortController();
      await writeArchiveAsParquet({ path, manifest, gaps: [], startsAfterGap: false }, target, {
        ...{ numbers, levels: "columns", compression: "zstd", stop },
      });
      const all = [...ofAll, ...columns];
      const exported = await query(`select column_name from (describe from '${target}') order by all`);
      expect(exported.flat()).toEqual(all.map(([name]) => name).sort());
      const read = all.map(([name]) => (name.endsWith("_time") ? `${name} at time zone 'UTC'` : name));
      const wanted = all.map(([, value]) => value.replaceAll("::T", `::${type}`));
      const lines = `(select json as line, ${side("bids").replaceAll("line", "json")} as bids, ${side("asks").replaceAll("line", "json")} as asks from read_json_objects('${path}', format = 'newline_delimited'))`;
      const rows = await query(
        `select (select count(*) from '${target}'), (select count(*) from
          (select ${read.join(", ")} from '${target}' except all select ${wanted.join(", ")} from ${lines}))`,
      );
      expect(rows).toEqual([[String(manifest.rows), "0"]]);
    }
  },
);
