import { beforeAll, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { localTables } from "../../../server/dataset/tables.ts";
import { datasetHere, writeDueDays } from "../../support/data/dataset.ts";
import { archiveHere, segmentOf, writeRaw } from "../../support/data/day-fixture.ts";
import { type ReadTable, readDeltaTable } from "../../support/data/delta-reader.ts";
import { secondLines, tradeLine } from "../../support/data/recorded-data.ts";
import { type Blow, createVirtualDisk, filesAs, type VirtualDisk } from "../../support/data/virtual-disk.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { randomRuns } from "../../support/time/random-runs.ts";

const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-21" };
const other = { ...day, symbol: "ETHUSDT" };
const dataDir = "/data";
const table = "stream=aggTrade";

/** The disk with a dataset of the first archives, and the archive that late records have made since. */
let disk: ReadonlyMap<string, Uint8Array>;
let lateArchive: ReadonlyMap<string, Uint8Array>;
let old: ReadTable;

function lines(symbol: string, from: number, to: number): string {
  return secondLines(day.date, from, to, (us, id) => tradeLine(us, id, symbol));
}

beforeAll(async () => {
  const folder = temporaryFolder();
  for (const of of [day, other]) writeRaw(folder, segmentOf("00-00", of), lines(of.symbol, 0, 20));
  await archiveHere(folder, [segmentOf("00-00", day), segmentOf("00-00", other)]);
  const first = createVirtualDisk(filesAs(folder, dataDir), 1);
  await first.run(async () => {
    await writeDueDays(datasetHere(dataDir));
    // The commit of the late archive is the twentieth, so a checkpoint follows it.
    const { table: open } = localTables(dataDir, Date.now).of(table);
    while ((await open.newest()).version < 18)
      await open.commit(() => ({ operation: "WRITE", add: [], remove: [], columns: [] }));
  });
  disk = first.files();
  old = (await read(first, table)) as ReadTable;
  const late = temporaryFolder();
  cpSync(folder, late, { recursive: true });
  writeRaw(late, segmentOf("00-20", day), lines(day.symbol, 1200, 1205));
  await archiveHere(late, [segmentOf("00-20", day)]);
  lateArchive = filesAs(late, dataDir);
});

function read(virtual: VirtualDisk, name: string): Promise<ReadTable | null> {
  const files = virtual.files();
  const root = `${dataDir}/dataset/${name}/`;
  const below = [...files.keys()].filter((path) => path.startsWith(`${root}_delta_log/`));
  return readDeltaTable({
    log: () => below.map((path) => path.slice(`${root}_delta_log/`.length)),
    read: (path) => files.get(root + path) ?? null,
  });
}

const rowsOf = (read: ReadTable | null) => (read?.files ?? []).map(({ rows }) => rows).sort();

/** Writes the late archive's day with a blow at one step, checks the tables, starts again and checks again. */
async function strike(kind: Blow, at: number, seed: number): Promise<"done" | "killed" | "failed"> {
  const virtual = createVirtualDisk(new Map([...disk, ...lateArchive]), seed);
  const ended = await virtual.run(() => writeDueDays(datasetHere(dataDir)), { kind, at });
  const label = `${kind} at step ${at}, seed ${seed}`;
  // A reader sees the old version or the new version, whole.
  const struck = await read(virtual, table);
  expect([label, rowsOf(struck)]).toEqual([label, struck?.version === old.version ? [20, 20] : [20, 25]]);
  for (const name of ["coverage", "gaps"]) await read(virtual, name);
  for (const [path, content] of lateArchive)
    expect([label, virtual.files().get(path)?.equals(content)]).toEqual([label, true]);
  await virtual.run(() => writeDueDays(datasetHere(dataDir)));
  const after = await read(virtual, table);
  expect([label, rowsOf(after), after?.version]).toEqual([label, [20, 25], old.version + 1]);
  expect([label, rowsOf(await read(virtual, "coverage"))]).toEqual([label, [2]]);
  // Only files that a version names are left.
  const named = new Set([...(after?.files ?? []).map(({ path }) => path), ...(after?.removed ?? [])]);
  const root = `${dataDir}/dataset/${table}/`;
  const left = [...virtual.files().keys()].filter(
    (path) => path.startsWith(root) && !path.includes("_delta_log") && !named.has(path.slice(root.length)),
  );
  expect([label, left]).toEqual([label, []]);
  return ended;
}

/** Steps of an undisturbed run. */
async function countSteps(): Promise<number> {
  const virtual = createVirtualDisk(new Map([...disk, ...lateArchive]), 1);
  await virtual.run(() => writeDueDays(datasetHere(dataDir)));
  expect([...virtual.files().keys()].filter((path) => path.includes("checkpoint"))).toHaveLength(2);
  return virtual.steps();
}

for (const kind of ["kill", "power", "full"] as const) {
  const what = { kill: "a kill", power: "a power loss", full: "a full disk" }[kind];
  test(`whatever step of writing and committing ${what} hits, the table reads, and no row is doubled`, async () => {
    const steps = await countSteps();
    const seed = Number(process.env.TEST_RANDOM_SEED ?? Math.floor(Math.random() * 1e9));
    const ends: string[] = [];
    const stride = Math.max(1, Math.floor(steps / randomRuns(24)));
    for (let at = 1 + (seed % stride); at <= steps; at += stride) ends.push(await strike(kind, at, seed + at));
    expect(ends.length).toBeGreaterThanOrEqual(20);
    expect(ends.filter((end) => end !== "done").length).toBeGreaterThan(ends.length / 4);
  });
}
