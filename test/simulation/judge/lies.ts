import { generate } from "../generate.ts";
import type { Plan } from "../plan.ts";
import { play } from "../run.ts";
import { dataDir, type World } from "../world.ts";

const quiet: Plan = {
  ...generate(1, ["twice"]),
  symbols: ["BTCUSDT"],
  types: ["aggTrade"],
  startMs: Date.UTC(2026, 10, 22, 12),
  faultyS: 40,
  kindS: 60,
  paceMs: 500,
  settings: { "record.segment_minutes": 5 },
  faults: [{ atS: 20, kind: "cut", n: null }],
};

/** Each lie, and the promise that it breaks; null: the run as it is. */
const lies: readonly (readonly [name: string, promise: string | null, tell: (world: World) => void])[] = [
  ["nothing is changed", null, () => {}],
  ["a row is taken out", "written down", (world) => change(world, (rows) => rows.toSpliced(10, 1))],
  ["a row is there twice", "once", (world) => change(world, (rows) => rows.toSpliced(10, 0, rows[10] ?? ""))],
  [
    "a row is older than the row before",
    "order",
    (world) => change(world, (rows) => rows.toSpliced(9, 2, rows[10] ?? "", rows[9] ?? "")),
  ],
  [
    "a row is changed",
    "once",
    (world) => change(world, (rows) => rows.with(10, (rows[10] ?? "").replace('"m":true', '"m":null'))),
  ],
  [
    "a row is of another day",
    "day",
    (world) => change(world, (rows) => [...rows, (rows.at(-1) ?? "").replace(/(recv_us":\d{3})\d/, "$19")]),
  ],
  ["the last line is torn", "readable", (world) => change(world, (rows) => [...rows.slice(0, -1), "{"], "")],
  ["a gap is a minute too wide", "gap width", widen],
];

/**
 * Shows that the judge sees every kind of error: each lie spoils the files of a quiet run before the judge reads them. Prints a line for
 * each lie. Returns the number of lies that the judge missed.
 */
export async function tellLies(): Promise<number> {
  let missed = 0;
  for (const [name, promise, tell] of lies) {
    const { violations } = await play(quiet, tell);
    const isSeen = promise === null ? violations.length === 0 : violations.some((one) => one.promise === promise);
    if (!isSeen) missed++;
    console.log(
      `${isSeen ? "seen" : "NOT SEEN"}  ${name}${isSeen ? "" : `: ${JSON.stringify(violations.slice(0, 3))}`}`,
    );
  }
  return missed;
}

/** Writes the newest raw or sealed segment again, with other rows. */
function change(world: World, edit: (rows: string[]) => readonly string[], ending = "\n"): void {
  const found = world.tree.files(`${dataDir}/live`).find(({ path }) => /aggTrade.*\.jsonl\.zst$/.test(path));
  if (found === undefined) throw new Error("there is no segment to change");
  const { inode, path } = found;
  const text = Bun.zstdDecompressSync(inode.data.subarray(0, inode.size)).toString();
  const rows = edit(text.trimEnd().split("\n"));
  const next = Bun.zstdCompressSync(Buffer.from(rows.join("\n") + ending));
  world.tree.resize(inode, 0);
  world.tree.write(inode, next, 0);
  if (!path.endsWith(".zst")) throw new Error(`not sealed: ${path}`);
}

/** Makes the gap that the cut has left begin a minute earlier. */
function widen(world: World): void {
  world.gapsAtEnd = (gaps) => gaps.map((gap) => ({ ...gap, from_us: gap.from_us - 15_000_000 }));
}

/* Exits with 1 if the judge missed a lie. */
if (import.meta.main) process.exit((await tellLies()) === 0 ? 0 : 1);
