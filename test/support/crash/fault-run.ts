import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyArchive } from "../../../server/archive/verify/verify-archive.ts";
import { openCatalogue } from "../../../server/catalogue/catalogue.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { recordId } from "../../../server/domain/line.ts";
import { readJournal } from "../../../server/journal/journal.ts";
import { archivedDays } from "../../../server/storage/list/listing.ts";
import { dataFiles, readLines } from "../data/read-data.ts";
import { withFaults } from "../machine/strace.ts";
import { type Step, scenario } from "./steps.ts";

export type Fault = "SIGKILL" | "ENOSPC" | "EIO";

/** What a fault at one step came to, after the next start has done its work. */
export type Outcome = {
  readonly step: Step;
  readonly fault: Fault;
  /** The fault happened: calls of a thread pool may come in another thread, or not that often, the next time. */
  readonly happened: boolean;
  /** It ended the run. */
  readonly ended: boolean;
  /** Files of records that cannot be read, or that their manifest does not vouch for. */
  readonly unreadable: readonly string[];
  /** Records that had been written and are gone, and records that are there twice. */
  readonly lost: readonly number[];
  readonly doubled: readonly number[];
  /** Absent records that lie in no written-down gap. */
  readonly unwritten: readonly number[];
  /** Newest records, received after the last flush, that a kill may cost. */
  readonly newestLost: number;
  /** What went wrong with the start after it, or null. */
  readonly problem: string | null;
};

/** Which errors a disk may answer to a call. */
export function faultsOf({ call }: Step): readonly Fault[] {
  if (/write|copy|openat|mkdir|rename/.test(call)) return ["SIGKILL", "ENOSPC", "EIO"];
  return ["SIGKILL", "EIO"];
}

/** Runs the scenario with one fault at one step, then starts again without faults, and checks the files. */
export async function runWithFault(step: Step, fault: Fault): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-fault-"));
  const dataDir = join(folder, "data");
  try {
    const effect = fault === "SIGKILL" ? "signal=KILL" : `error=${fault}`;
    const inject = [`${step.call}:${effect}:when=${step.nth}`];
    const trace = join(folder, "trace");
    let said = "";
    if (step.run === "again") said += (await run(scenario(dataDir, "record"))).said.replace("done\n", "");
    said += (await run(withFaults(inject, [join(dataDir, step.path)], scenario(dataDir, step.run), trace))).said;
    const next = await run(scenario(dataDir, "recover"));
    const isDone = next.said.endsWith("done\n") && !next.said.includes("late for");
    const ended = !said.endsWith("done\n");
    const happened = ended || readFileSync(trace, "utf8").includes("(INJECTED)");
    const problem = isDone ? null : `${next.said}${next.errors}`;
    return { step, fault, happened, ended, ...(await judge(dataDir, said)), problem };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(words: readonly string[]): Promise<{ said: string; errors: string }> {
  const child = Bun.spawn([...words], { stdout: "pipe", stderr: "pipe" });
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const [said, errors] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  clearTimeout(timer);
  return { said, errors };
}

async function judge(
  dataDir: string,
  said: string,
): Promise<Pick<Outcome, "unreadable" | "lost" | "doubled" | "unwritten" | "newestLost">> {
  const numbers = (what: string) => [...said.matchAll(new RegExp(`^${what} (\\d+)$`, "gm"))].map(([, n]) => Number(n));
  const emitted = numbers("emitted");
  const written = new Set(emitted.filter((id) => numbers("written").some((up) => id <= up && id > up - 1000)));
  const unreadable: string[] = [];
  const seen = new Map<number, number>();
  const stamps = new Map<number, number>();
  for (const file of dataFiles(dataDir)) {
    try {
      for (const { payload, recvUs } of readLines(dataDir, file)) {
        const id = recordId(payload, "aggTrade") ?? -1;
        stamps.set(id, recvUs);
        seen.set(id, (seen.get(id) ?? 0) + 1);
      }
    } catch (error) {
      unreadable.push(`${file}: ${error}`);
    }
  }
  for (const day of await archivedDays(dataDir)) {
    const result = await verifyArchive(dataDir, day);
    if (result.kind !== "ok") unreadable.push(JSON.stringify(result.problems));
  }
  const catalogue = openCatalogue(dataDir);
  if (catalogue.movedAsideTo !== null) unreadable.push("rt-data.sqlite");
  const journal = readJournal(dataDir);
  if (journal === null) unreadable.push("journal");
  const gaps = ["2026-11-22", "2026-11-23"].flatMap((date) => {
    const day = { stream: "aggTrade", symbol: "BTCUSDT", date };
    return [...(journal?.gapsOf(day) ?? []), ...catalogue.gapsOf(day)];
  });
  catalogue.close();
  const due = [...written, ...numbers("late")];
  return {
    unreadable,
    lost: due.filter((id) => !seen.has(id)),
    doubled: [...seen].filter(([, count]) => count > 1).map(([id]) => id),
    unwritten: [...emitted, ...numbers("missed")].filter((id) => !seen.has(id) && !isInGap(id, stamps, gaps)),
    newestLost: emitted.filter((id) => !written.has(id) && !seen.has(id)).length,
  };
}

/** Is there a gap between the records before and after this one? After the newest record any gap that reaches beyond it will do. */
function isInGap(id: number, stamps: ReadonlyMap<number, number>, gaps: readonly Gap[]): boolean {
  const before = [...stamps].filter(([other]) => other < id).map(([, us]) => us);
  const after = [...stamps].filter(([other]) => other > id && other < 1_000_000).map(([, us]) => us);
  const [fromUs, toUs] = [Math.max(0, ...before), Math.min(Number.POSITIVE_INFINITY, ...after)];
  // The time before the first record of a stream is unknown.
  if (before.length === 0) return true;
  return gaps.some((gap) => gap.from_us <= toUs && gap.to_us > fromUs);
}

/** For a message: the step and fault in a line. */
export function describeStep({ run, call, path, nth }: Step, fault: Fault): string {
  return `${fault} at ${call} ${path || "(data folder)"} #${nth}${run === "again" ? " of the second run" : ""}`;
}
