import { beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { which } from "bun";
import { archivePath, manifestPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { parseManifest } from "../../../server/storage/manifest.ts";
import { query, statementsOf } from "../../support/data/duckdb.ts";
import { recordedFolder } from "../../support/data/recorded-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { rtData } from "../../support/program.ts";

const read = (path: string) => readFileSync(join(import.meta.dir, "../../..", path), "utf8");

/** Code of the page "Reading the data", by the line in front of it. */
function snippet(language: string, title: string): string {
  const blocks = [...read("ops/docs/reading.md").matchAll(/(?:^|\n)([^\n]*)\n\n```(\w+)\n(.*?)```/gs)];
  const block = blocks.find(([, before = "", is]) => is === language && before.includes(title));
  if (block?.[3] === undefined) throw new Error(`ops/docs/reading.md has no ${language} for "${title}"`);
  return block[3];
}

const folder = temporaryFolder();
const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-21" };
const dataDir = join(folder, "data");
const rowsOf = (of: typeof day) => parseManifest(readFileSync(manifestPath(dataDir, of), "utf8")).rows;

beforeAll(async () => {
  renameSync(await recordedFolder(), dataDir);
  mkdirSync(join(folder, "bin"));
  const program = rtData.map((word) => `'${word}'`).join(" ");
  writeFileSync(join(folder, "bin/rt-data"), `#!/bin/sh\nexec ${program} "$@"\n`);
  chmodSync(join(folder, "bin/rt-data"), 0o755);
  // What Python and DuckDB read is made as the page says.
  const made = inFolder(["rt-data", "export", "--format", "parquet", "--out", "parquet"]);
  if (made.code !== 0) throw new Error(made.errors);
});

function inFolder(words: readonly string[]): { code: number; output: string; errors: string } {
  const path = [join(folder, "bin"), dirname(process.execPath), "/usr/local/bin:/usr/bin:/bin"].join(":");
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], { cwd: folder, env: { PATH: path } });
  return { code: exitCode, output: stdout.toString(), errors: stderr.toString() };
}

const node = which("node");
const nodeReadsZstd = node !== null && hasZstd(node);
const python = pythonWith("pandas", "zstandard");
const anyPython = pythonWith();
const clickhouse = which("clickhouse");

/** The first Python here that has these modules, or null. */
function pythonWith(...modules: string[]): string | null {
  const has = (path: string | null) =>
    path !== null && Bun.spawnSync([path, "-c", `import sys, ${["os", ...modules].join(", ")}`]).exitCode === 0;
  return ["/usr/bin/python3", which("python3")].find(has) ?? null;
}

function hasZstd(path: string): boolean {
  return Bun.spawnSync([path, "-e", "require('node:zlib').createZstdDecompress()"]).exitCode === 0;
}

const noZstd = which("zstd") === null ? " (skipped: no zstd here)" : "";
test.skipIf(noZstd !== "")(`the page's commands run as they are written${noZstd}`, () => {
  const lines = snippet("sh", "The commands:").trim().split("\n");
  expect(lines.length).toBeGreaterThanOrEqual(6);
  for (const line of lines) {
    const { code, output, errors } = inFolder(["bash", "-c", line]);
    expect([line, code, errors]).toEqual([line, 0, ""]);
    expect(output).not.toBe("");
  }
});

test("the code in the README's section on reading is the page's", () => {
  const section = /\n## Reading the data\n(.*?)\n## /s.exec(read("README.md"))?.[1] ?? "";
  const blocks = section.match(/```\w+\n.*?```/gs) ?? [];
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(read("ops/docs/reading.md")).toContain(block);
});

const rows = [
  ["BTCUSDT", "2026-11-20", "600"],
  ["BTCUSDT", "2026-11-21", "600"],
];

test("DuckDB runs the page's query on archives", async () => {
  const sql = snippet("sql", "DuckDB, on the archives").replaceAll("'data/", `'${dataDir}/`);
  expect(await query(sql)).toEqual(rows.map((row) => [...row, "86000.99000000"]));
});

test("DuckDB runs the page's query with a time axis", async () => {
  const sql = snippet("sql", "DuckDB, with a time axis").replaceAll("'data/", `'${dataDir}/`);
  const minutes = await query(sql);
  expect(minutes.length).toBeGreaterThan(0);
  expect(minutes.map(([minute]) => String(minute).slice(0, 10))).toContain("2026-11-21");
  expect(minutes.reduce((sum, [, books]) => sum + Number(books), 0)).toBe(1200);
  for (const [, , spread] of minutes) expect(Number(spread)).toBeCloseTo(100, 9);
});

test("DuckDB runs the page's query on trades with every column named: decimals, times and the mark of backfilled trades", async () => {
  const sql = snippet("sql", "DuckDB, on trades").replaceAll("'data/", `'${dataDir}/`);
  const trades = await query(sql);
  expect(trades).toHaveLength(1200);
  expect(trades[0]).toEqual([
    ...["2026-11-20 23:50:00", "2026-11-20 23:49:59.989", "86704.77000000", "0.85800000", true, false],
  ]);
});

test("DuckDB runs the page's query on diffs, whose names differ in case only", async () => {
  const other = temporaryFolder();
  const below = join(other, "archive/stream=depth/symbol=BTCUSDT/date=2026-11-21");
  mkdirSync(below, { recursive: true });
  const diff = `{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":10,"u":12,"b":[["1.10000000","2.00000000"]],"a":[]}`;
  writeFileSync(join(below, "x.jsonl.zst"), Bun.zstdCompressSync(encodeLine(diff, 1_763_800_000_000_000, null)));
  const sql = snippet("sql", "DuckDB, on diffs").replaceAll("'data/", `'${other}/`);
  expect(await query(sql)).toEqual([["1763800000000000", "10", "12", [["1.10000000", "2.00000000"]], []]]);
});

test("DuckDB runs the page's query of each second, which leaves out the seconds that touch a gap", async () => {
  inFolder(["rt-data", "gaps", "--out", "gaps.parquet"]);
  const sql = snippet("sql", "DuckDB, the last book").replaceAll("'data/", `'${dataDir}/`);
  const seconds = await query(sql.replaceAll("'gaps.parquet'", `'${folder}/gaps.parquet'`));
  // The last of 600 books is received as the gap begins.
  expect([seconds.length, seconds.at(-1)?.[0]]).toEqual([599, "2026-11-21 00:09:58"]);
  for (const [, , spread] of seconds) expect(Number(spread)).toBeCloseTo(100, 9);
});

test("DuckDB runs the page's query on exported Parquet", async () => {
  const sql = snippet("sql", "DuckDB, on exported Parquet").replaceAll("'parquet/", `'${folder}/parquet/`);
  const dates = await query(sql);
  expect(dates.map(([symbol, date]) => [symbol, date])).toEqual([
    ...rows.map(([symbol, date]) => [symbol, date]),
    ["BTCUSDT", "2026-11-22"],
  ]);
  for (const [, , spread] of dates) expect(Number(spread)).toBeCloseTo(100, 9);
});

test("DuckDB runs the page's query that names its columns", async () => {
  const sql = snippet("sql", "On the archives, give the columns you need").replaceAll("'data/", `'${dataDir}/`);
  const [[trades, backfilled] = []] = await query(sql);
  expect([trades, backfilled]).toEqual(["1200", "0"]);
});

test("the page's query of a bucket is SQL that DuckDB understands", async () => {
  const sql = snippet("sql", "DuckDB, in a bucket");
  expect(await statementsOf(sql)).toBe(4);
});

test.skipIf(python === null)(
  `pandas runs what the page says${python === null ? " (skipped: no Python with pandas and zstandard here)" : ""}`,
  () => {
    const { code, output, errors } = inFolder([python ?? "", "-c", snippet("python", "pandas (with")]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    const [trades = "", books] = output.trim().split("\n");
    expect(trades).toStartWith(`${rowsOf(day)} `);
    expect(books).toStartWith(`${rowsOf({ ...day, stream: "depth20" })} 86000.`);
  },
);

test.skipIf(python === null)(
  `the page's programs with rt_data.py run as they are written${python === null ? " (skipped: no Python with pandas and zstandard here)" : ""}`,
  () => {
    const made = inFolder(["bash", "-c", snippet("sh", "`rt_data.py` is a module")]);
    expect(made).toEqual({ code: 0, output: "", errors: "" });
    const outputs = ["The module in use:", "Mid, spread and imbalance", "NumPy, windows"].map((title) =>
      inFolder([python ?? "", "-c", snippet("python", title)]),
    );
    expect(outputs.map(({ code, errors }) => [code, errors])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    const [use = "", features, windows] = outputs.map(({ output }) => output);
    expect(use).toStartWith("restart 85801.0\n600 600 (86000.");
    // The last book and the last trade are received as the gap begins.
    expect([features, windows]).toEqual(["599 599 599\n", "(501, 100, 40)\n"]);
  },
);

test.skipIf(anyPython === null)(
  `what the page says of Polars, PyTorch and Spark is Python${anyPython === null ? " (skipped: no python3 here)" : " (compiled, not run)"}`,
  () => {
    for (const title of ["Polars:", "PyTorch,", "Spark:"]) {
      const code = `compile(${JSON.stringify(snippet("python", title))}, "reading.md", "exec")`;
      expect(inFolder([anyPython ?? "", "-c", code])).toEqual({ code: 0, output: "", errors: "" });
    }
  },
);

test.skipIf(clickhouse === null)(
  `ClickHouse runs the page's query${clickhouse === null ? " (skipped: no clickhouse here)" : ""}`,
  () => {
    const { code, output } = inFolder([clickhouse ?? "", "local", "--query", snippet("sql", "ClickHouse (")]);
    expect(code).toBe(0);
    expect(output).toBe(rows.map((row) => `${[...row, "86000.99"].join("\t")}\n`).join(""));
  },
);

test("Bun runs the page's program", () => {
  writeFileSync(join(folder, "read.mjs"), snippet("js", "Node (22.15"));
  expect(inFolder([process.execPath, "read.mjs"])).toEqual({ code: 0, output: `${rowsOf(day)}\n`, errors: "" });
});

test.skipIf(!nodeReadsZstd)(
  `Node runs the page's program${nodeReadsZstd ? "" : " (skipped: no Node of 22.15 or later here)"}`,
  () => {
    writeFileSync(join(folder, "read.mjs"), snippet("js", "Node (22.15"));
    expect(inFolder([node ?? "", "read.mjs"])).toMatchObject({ code: 0, output: `${rowsOf(day)}\n` });
  },
);

const withWasm = `
  const { init, decompress } = require(process.argv[1]);
  const bytes = require("node:fs").readFileSync(process.argv[2]);
  init().then(() => console.log(Buffer.from(decompress(bytes)).toString("latin1").split("\\n").length - 1));
`;
const withZstandard = `
import sys, zstandard
with open(sys.argv[1], "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
    count = 0
    while piece := lines.read(65536): count += piece.count(b"\\n")
print(count)
`;

type Words = (path: string) => string[];
const withTool = (tool: string | null, words: (tool: string, path: string) => string[]): Words | null =>
  tool === null ? null : (path) => words(tool, path);
const inBun =
  "console.log(Bun.zstdDecompressSync(await Bun.file(process.argv[1]).bytes()).toString().split('\\n').length - 1)";
const inPandas = "import pandas, sys; print(len(pandas.read_json(sys.argv[1], lines=True)))";
const wasm = join(import.meta.dir, "../../../node_modules/@bokuweb/zstd-wasm");

/** Readers that do not know RT-Data; each prints its number of lines. */
const readers: readonly (readonly [name: string, words: Words | null])[] = [
  ["the zstd command", withTool(which("zstd"), (zstd, path) => ["bash", "-c", `${zstd} -dc '${path}' | wc -l`])],
  ["Node, by zstd compiled to wasm,", withTool(node, (node, path) => [node, "-e", withWasm, wasm, path])],
  ["Bun", (path) => [process.execPath, "-e", inBun, path]],
  ["Python, by zstandard,", withTool(python, (python, path) => [python, "-c", withZstandard, path])],
  ["pandas", withTool(python, (python, path) => [python, "-c", inPandas, path])],
];

for (const [name, words] of readers) {
  test.skipIf(words === null)(
    `${name} sees as many rows as the manifest says${words === null ? " (skipped: it is not here)" : ""}`,
    () => {
      for (const stream of ["aggTrade", "depth20"]) {
        const path = archivePath(dataDir, { ...day, stream });
        const { output, errors } = inFolder(words?.(path) ?? []);
        expect([output.trim(), errors]).toEqual([String(rowsOf({ ...day, stream })), ""]);
      }
    },
  );
}

test("DuckDB sees as many rows as the manifest says", async () => {
  for (const stream of ["aggTrade", "depth20"]) {
    const path = archivePath(dataDir, { ...day, stream });
    expect(await query(`select count(*)::int from read_json('${path}')`)).toEqual([[rowsOf({ ...day, stream })]]);
  }
});
