/**
 * `bun run bench [--quick] [part …]`: the performance table of measured.md, as Markdown: each figure with its goal, median and spread.
 * Parts: floor, script, path, syscalls, seal, export, delay, stall, symbols, start, page, all of them without a word; and steady, which takes half
 * an hour of its own. `--quick` takes a quarter of the time, for a look. Linux.
 */
import { join } from "node:path";
import type { ExportFigures } from "./archive/export-day.ts";
import { floorRows, scriptRows, steadyRows } from "./record/floor-rows.ts";
import { measureFloor, measureRecorder } from "./record/record-against-floor.ts";
import { chartOf } from "./record/symbols-chart.ts";
import { atMost, machine, markdownOf, type Row, spread, tableHead, told } from "./table.ts";

const quick = process.argv.includes("--quick");
const wanted = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const rounds = quick ? 1 : 3;
const notes: string[] = [];

const parts: Record<string, () => Promise<Row[]>> = {
  floor: () => floorRows({ rounds, quick }),
  script: () => scriptRows({ rounds, quick }),
  path,
  syscalls,
  seal,
  export: exported,
  delay,
  stall,
  symbols,
  start,
  page,
  steady: () => steadyRows({ quick }),
};
/** Measured only on request. */
const longOnes = ["steady"];
const unknown = wanted.find((name) => !(name in parts));
if (unknown !== undefined) {
  console.error(`there is no part "${unknown}"; there are ${Object.keys(parts).join(", ")}`);
  process.exit(2);
}
console.log(`${machine()}; ${rounds} rounds, the two sides of a ratio in turn\n\n${tableHead}`);
for (const [name, run] of Object.entries(parts)) {
  if (wanted.length > 0 ? !wanted.includes(name) : longOnes.includes(name)) continue;
  for (const row of await run()) console.log(markdownOf(row));
}
for (const note of notes) console.log(`\n${note}`);
process.exit(0);

async function path(): Promise<Row[]> {
  const { result } = await inner<{ result: Record<string, number[]> }>("record/record-path.ts");
  const sum = Object.values(result).reduce((total, [middle = 0]) => total + middle, 0);
  const bare = await measureFloor(3000, { warmUpMs: 3000, measureMs: 10_000 });
  const share = Math.round(sum / bare.usPerMessage / 10);
  const steps = Object.entries(result).map(([name, [middle = 0]]) => `${name} ${middle.toFixed(0)}`);
  return [
    told(
      "the record path alone, warm, ns a message",
      `${sum.toFixed(0)} (${share} % of the floor at 3,000/s): ${steps.join(", ")}`,
    ),
  ];
}

async function syscalls(): Promise<Row[]> {
  const { counts } = await inner<{ counts: Record<string, number> }>("record/syscalls.ts", quick ? "20" : "62");
  const of = (...names: string[]) => names.reduce((sum, name) => sum + (counts[name] ?? 0), 0).toFixed(1);
  return [
    told("system calls per 1,000 messages at 3,000/s: receiving", of("recvfrom", "epoll_pwait2")),
    told(
      "… writing; opening, syncing, renaming at rotations and sealing",
      `${of("write")}; ${of("openat", "close", "fsync", "rename", "mkdir", "unlink")}`,
    ),
  ];
}

async function seal(): Promise<Row[]> {
  type Figures = { seal: Record<string, number[]>; merge: Record<string, number[]>; sizes: number[] };
  const { seal, merge, sizes } = await inner<Figures>("archive/seal-and-merge.ts", quick ? "20" : "60");
  const rate = (values: number[] = []) => spread(values, 0);
  const [ours = 0, native = 0] = sizes;
  return [
    told(
      "sealing (level 1, read back and compared), MB of lines a CPU second",
      `${rate(seal.ours)}; compressing alone ${rate(seal["compressing alone"])}; \`zstd -1\`, not read back, ${rate(seal.zstd)}`,
    ),
    told(
      "merging a day at level 19 (manifest, read back), MB of lines a CPU second",
      `${spread(merge.ours ?? [], 1)}; \`zstd -19 --long\` ${spread(merge.zstd ?? [], 1)}; size ${(ours / native).toFixed(3)} of its`,
    ),
  ];
}

async function exported(): Promise<Row[]> {
  const words = [String(quick ? 1 : 5), quick ? "0.1" : "0.861"];
  const { rows, archiveBytes, jobs } = await inner<ExportFigures>("archive/export-day.ts", ...words);
  const of = (name: string) => jobs[name] ?? { cpu: [], memory: [], bytes: Number.NaN };
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const sides = ["duckdb, lists of text", "duckdb, columns"].map((name) => of(name));
  const theirs = sides.map(({ cpu, bytes }) => `${spread(cpu, 1)}, ${megabytes(bytes)}`);
  return [
    told(
      `DuckDB: ${rows.toLocaleString("en")} books, archive of ${megabytes(archiveBytes)}, to Parquet, CPU s: lists of text; columns of doubles`,
      theirs.join("; "),
    ),
    ...["float64", "decimal", "ticks"].flatMap((name) => {
      const { cpu, memory, bytes } = of(name);
      const against = (at: number) => cpu.map((seconds, round) => seconds / (sides[at]?.cpu[round] ?? Number.NaN));
      const row = atMost(`export, ${name}: CPU against DuckDB's columns of doubles, in turn`, 0.5, against(1));
      const measured = `${row.measured}; against its lists of text ${spread(against(0))}; ${spread(cpu, 1)} s, ${megabytes(bytes)}`;
      return [{ ...row, measured }, atMost(`export, ${name}: peak memory, MB`, 300, memory, 0)];
    }),
  ];
}

async function delay(): Promise<Row[]> {
  const { figures } = await inner<{ figures: Record<string, number> }>("record/delay-to-file.ts", quick ? "20" : "60");
  const row = atMost(
    "socket → file at 3,000/s, oldest of each flush, p99, ms (flush interval 1,000)",
    1005,
    [figures["0.99"] ?? Number.NaN],
    0,
  );
  const more = `; p50 ${figures["0.5"]?.toFixed(0)}, p99.9 ${figures["0.999"]?.toFixed(0)}, most ${figures["1"]?.toFixed(0)}`;
  return [{ ...row, measured: row.measured + more }];
}

async function stall(): Promise<Row[]> {
  const words = ["--gb", quick ? "0.1" : "0.4", "--dashboards", "100", "--bot", "--dataset", "--json"];
  type Dataset = { seconds: number; peak: number; stall: number; most: number };
  type Figures = { stalls: Record<string, number>; peak: number; control: number; chat: Record<string, number> };
  const { stalls, peak, control, chat, dataset } = await inner<Figures & { dataset: Dataset }>(
    "archive/merge-day.ts",
    ...words,
  );
  const row = atMost(
    "main thread stands still while sealing, merging, serving 100 dashboards and answering the bot's chat, p99.9, ms",
    20,
    [stalls["0.999"] ?? Number.NaN],
    1,
  );
  const written = atMost("… while the dataset of that day is written, p99.9, ms", 20, [dataset.stall], 1);
  return [
    {
      ...row,
      measured: `${row.measured}; p99 ${stalls["0.99"]?.toFixed(1)}, most ${stalls["1"]?.toFixed(1)}; p99.9 without the merge, right after, ${control.toFixed(1)}; ${chat.answers} answers, ${chat.pictures} of them pictures; memory at most ${(peak / 1e6).toFixed(0)} MB`,
    },
    {
      ...written,
      measured: `${written.measured}; most ${dataset.most.toFixed(1)}; ${dataset.seconds.toFixed(0)} s; memory at most ${(dataset.peak / 1e6).toFixed(0)} MB`,
    },
  ];
}

async function symbols(): Promise<Row[]> {
  type Figures = { symbols: number; perSecond: number; cpuPerSecond: number; memory: number; most: number }[];
  const found = await inner<Figures>("record/by-symbols.ts", quick ? "0.3" : "1");
  notes.push(chartOf(found));
  const goals: Record<number, number> = { 15: 120, 1000: 400 };
  return found
    .filter(({ symbols }) => [3, 15, 300, 1000].includes(symbols))
    .map(({ symbols, most }) => {
      const what = `memory, ${symbols} symbols × 2 streams, at most, MB`;
      const goal = goals[symbols];
      return goal === undefined ? told(what, most.toFixed(0)) : atMost(what, goal, [most], 0);
    });
}

async function start(): Promise<Row[]> {
  type Figures = { empty: number[]; archives: number; withCatalogue: number[]; withoutCatalogue: number[] };
  const found = await inner<Figures>("record/start-up.ts", String(quick ? 2 : 5));
  return [
    atMost("from the start of the process to the first record, ms", 1000, found.empty, 0),
    atMost(`… after a crash, beside 100 GB (${found.archives} archives)`, 1000, found.withCatalogue, 0),
    told("… and with the catalogue gone, made again from the manifests", spread(found.withoutCatalogue, 0)),
  ];
}

/** Cost of a dashboard for the server: the first, and each further dashboard. */
async function page(): Promise<Row[]> {
  const times = { warmUpMs: 10_000, measureMs: quick ? 10_000 : 30_000 };
  const first: number[] = [];
  const further: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const perSecond: number[] = [];
    for (const dashboards of [0, 1, 51]) {
      const { usPerMessage, perSecond: rate } = await measureRecorder(150, times, { dashboards, segmentMinutes: 60 });
      perSecond.push((usPerMessage * rate) / 1000);
    }
    const [none = 0, one = 0, many = 0] = perSecond;
    first.push(one - none);
    further.push((many - one) / 50);
  }
  return [
    told(
      "a dashboard, server's side, ms of CPU a second: the first; each further one",
      `${spread(first)}; ${spread(further)}`,
    ),
  ];
}

/** Runs a part in a process of its own, so that neither memory nor compiled code of one counts with another; its last line is JSON. */
async function inner<T>(file: string, ...words: string[]): Promise<T> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...words], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${file} ended with ${child.exitCode}`);
  return JSON.parse(text.trim().split("\n").at(-1) ?? "") as T;
}
