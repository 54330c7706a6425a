/** One process of a long run: plays seeds until the time is over and tells of each on a line of its own. For `simulate.ts`. */

import { generate } from "./generate.ts";
import { realCpuMs, realNowMs } from "./machine/globals.ts";
import type { FaultKind, Plan } from "./plan.ts";
import { play } from "./run.ts";
import { planText, shrink } from "./shrink.ts";
import { generateStorm } from "./storm.ts";

/** What a process tells of a seed. */
export type Report = {
  readonly seed: number;
  /** CPU time of the run, the judge included. */
  readonly cpuS: number;
  readonly simulatedS: number;
  readonly runningS: number;
  readonly faults: number;
  readonly digest: string;
  readonly counts: readonly (readonly [string, number])[];
  readonly violations: readonly { readonly promise: string; readonly detail: string }[];
  /** The failing plan, made small, and the broken promise. */
  readonly small: string | null;
};

const [
  firstSeed = "1",
  step = "1",
  seconds = "10",
  mostRuns = "1000000",
  kinds = "",
  profile = "swarm",
  mostShrunk = "5",
] = process.argv.slice(2);
type Profile = "swarm" | "storm";
const generators = { swarm: generate, storm: generateStorm };
const endMs = realNowMs() + Number(seconds) * 1000;
/**
 * Memory beyond this is freed at once: decompressors count little for the collector, and a warm process is far quicker than a new one.
 * A process that stays larger than `mostBytes` ends, and a new process goes on with the next seed.
 */
const muchBytes = 500_000_000;
const mostBytes = 1_200_000_000;
const shrunk = new Set<string>();

for (let n = 0; n < Number(mostRuns) && (n === 0 || realNowMs() < endMs); n++) {
  const seed = Number(firstSeed) + n * Number(step);
  const plan = generators[profile as Profile](seed, kinds.split(",") as FaultKind["kind"][]);
  const beforeMs = realCpuMs();
  const outcome = await play(plan);
  const cpuS = Math.round(realCpuMs() - beforeMs) / 1000;
  const [first] = outcome.violations;
  const report: Report = {
    ...{
      seed,
      cpuS,
      simulatedS: outcome.simulatedS,
      runningS: outcome.runningS,
      faults: outcome.faults,
      digest: outcome.digest,
    },
    counts: [...outcome.counts],
    violations: outcome.violations.slice(0, 5),
    small: first === undefined ? null : await small(plan, first.promise),
  };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  if (process.memoryUsage.rss() > muchBytes) Bun.gc(true);
  if (process.memoryUsage.rss() > mostBytes) break;
}
process.exit(0);

/** One seed of each kind of failure is made small; that takes some seconds. */
async function small(plan: Plan, promise: string): Promise<string | null> {
  if (shrunk.size >= Number(mostShrunk) || shrunk.has(promise)) return null;
  shrunk.add(promise);
  const found = await shrink(plan, async (next) =>
    (await play(next)).violations.some((one) => one.promise === promise),
  );
  const { violations } = await play(found);
  return `${planText(found)}\n${violations
    .slice(0, 3)
    .map(({ promise, detail }) => `// ${promise}: ${detail.split("\n")[0]}`)
    .join("\n")}`;
}
