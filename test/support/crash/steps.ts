import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One call by which the program touches a file: the `nth` of its kind on this path, in its thread. */
export type Step = {
  /** In which of the two runs. */
  readonly run: Run;
  readonly call: string;
  /** Relative to the data folder. */
  readonly path: string;
  readonly nth: number;
  /** The operation, in the words of ops/docs. */
  readonly part: Part;
};

export type Run = "record" | "again";

export const parts = [
  "folder and lock",
  "journal",
  "catalogue",
  "write",
  "rotate",
  "seal",
  "merge",
  "replace",
  "delete",
] as const;
export type Part = (typeof parts)[number];

const calls =
  "openat,write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,unlink,unlinkat,mkdir,rmdir,copy_file_range";

/** The words that run the scenario: a run, or the recovery, on a data folder. */
export function scenario(dataDir: string, what: Run | "recover"): string[] {
  return [process.execPath, join(import.meta.dir, "scenario.ts"), dataDir, what];
}

/** A run without faults under strace: every step of it that touches a file of the data folder, in order. */
export async function listSteps(): Promise<Step[]> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-steps-"));
  const dataDir = join(folder, "data");
  const trace = join(folder, "trace");
  try {
    const words = ["strace", "-f", "-qq", "-y", "-s", "0", "-e", `trace=${calls}`, "-o", trace];
    const steps: Step[] = [];
    for (const run of ["record", "again"] as const) {
      const child = Bun.spawn([...words, ...scenario(dataDir, run)], { stdout: "pipe", stderr: "ignore" });
      const said = await new Response(child.stdout).text();
      if (!said.endsWith("done\n")) throw new Error(`the scenario does not work: ${said.slice(-200)}`);
      steps.push(...stepsOf(readFileSync(trace, "utf8"), dataDir, run));
    }
    return steps;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function stepsOf(trace: string, dataDir: string, run: Run): Step[] {
  const steps: Step[] = [];
  const counts = new Map<string, number>();
  for (const line of trace.split("\n")) {
    const match = /^(\d+) +(\w+)\((.*)$/.exec(line);
    if (match === null) continue;
    const [, thread = "", call = "", rest = ""] = match;
    const path = pathOf(call, rest, dataDir);
    if (path === null || path.includes(".arriving")) continue;
    const key = `${thread} ${call} ${path}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    if (call === "openat" && !/O_CREAT|O_WRONLY|O_RDWR/.test(rest)) continue;
    if (call === "mkdir" && /= -1/.test(rest)) continue;
    steps.push({ run, call, path, nth, part: partOf(call, path) });
  }
  return steps;
}

/** The path that a call is about, relative to the data folder; null if it lies elsewhere. */
function pathOf(call: string, rest: string, dataDir: string): string | null {
  const isByName = /^(openat|rename|unlink|mkdir|rmdir)/.test(call);
  const path = (isByName ? /"([^"]*)"/ : /^\d+<([^>]*)>/).exec(rest)?.[1] ?? "";
  if (path !== dataDir && !path.startsWith(`${dataDir}/`)) return null;
  return path.slice(dataDir.length + 1);
}

function partOf(call: string, path: string): Part {
  if (path.startsWith("rt-data.sqlite")) return "catalogue";
  if (path.startsWith("journal")) return "journal";
  if (path.startsWith("archive/")) {
    if (/unlink|rmdir/.test(call)) return "delete";
    return call === "rename" || path.includes(".previous") || !/\.tmp$/.test(path) ? "replace" : "merge";
  }
  if (!path.startsWith("live/") || call === "mkdir") return "folder and lock";
  if (/unlink|rmdir/.test(call)) return "delete";
  if (path.includes(".zst") || !path.endsWith(".jsonl")) return "seal";
  return call === "fsync" || call === "fdatasync" ? "rotate" : "write";
}
