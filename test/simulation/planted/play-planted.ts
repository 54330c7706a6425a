import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Report } from "../loop.ts";
import { type Defect, defects } from "./defects.ts";

const root = join(import.meta.dir, "../../..");

/** Longest search for a defect, s. */
const mostS = 600;

/**
 * Brings each defect back in a copy of the program, in the temporary folder, and simulates it until a run breaks the promise that the
 * defect breaks. The same seed must hold without the defect. Prints a line for each defect; returns the number of defects not found.
 */
export async function playPlanted(seed: number): Promise<number> {
  let missed = 0;
  for (const defect of defects) {
    const copy = plant(defect);
    try {
      if (!(await search(defect, copy, seed))) missed++;
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }
  return missed;
}

/** The changed source of a defect, by file. @throws if a text is not in its file exactly once */
export function changedFiles({ row, changes }: Defect): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { file, text, by } of changes) {
    const source = files.get(file) ?? readFileSync(join(root, file), "utf8");
    if (source.split(text).length !== 2)
      throw new Error(`defect ${row}: "${text}" is not in ${file} exactly once; adapt planted/defects.ts to the code`);
    files.set(
      file,
      source.replace(text, () => by),
    );
  }
  return files;
}

/** Returns the folder of the copy. */
function plant(defect: Defect): string {
  const files = changedFiles(defect);
  const copy = mkdtempSync(join(tmpdir(), "planted-"));
  for (const path of ["server", "test/simulation", "package.json", "tsconfig.json"])
    cpSync(join(root, path), join(copy, path), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  for (const [file, source] of files) writeFileSync(join(copy, file), source);
  return copy;
}

async function search({ row, name, kinds, promise }: Defect, copy: string, seed: number): Promise<boolean> {
  const startedMs = performance.now();
  let [runs, faults, cpuS] = [0, 0, 0];
  for await (const report of reports(copy, seed, kinds, mostS)) {
    runs++;
    faults += report.faults;
    cpuS += report.cpuS;
    const found = report.violations.find((violation) => violation.promise === promise);
    if (found === undefined || !(await holds(report.seed, kinds, promise))) continue;
    const tookS = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(
      `found  ${row} ${name}\n       in ${tookS} s (${cpuS.toFixed(1)} s of CPU), ${runs} runs, ${faults} faults; seed ${report.seed}: ${found.promise}: ${found.detail.slice(0, 160)}`,
    );
    return true;
  }
  console.log(`MISSED ${row} ${name}\n       ${runs} runs, ${faults} faults in ${mostS} s`);
  return false;
}

/** Without the defect the same run keeps the promise. */
async function holds(seed: number, kinds: Defect["kinds"], promise: string): Promise<boolean> {
  for await (const { violations } of reports(root, seed, kinds, 1))
    return violations.every((violation) => violation.promise !== promise);
  return false;
}

/** The runs of consecutive seeds in a tree, for so many seconds or until the reader leaves. */
async function* reports(tree: string, seed: number, kinds: Defect["kinds"], seconds: number): AsyncGenerator<Report> {
  const parameters = [seed, 1, seconds, 1_000_000, kinds.join(","), "swarm", 0].map(String);
  const child = Bun.spawn([process.execPath, join(tree, "test/simulation/loop.ts"), ...parameters], {
    cwd: tree,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as Report;
    }
  } finally {
    child.kill();
    await child.exited;
  }
}
