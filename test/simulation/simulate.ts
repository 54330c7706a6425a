/**
 * Simulates years: `bun run test:simulate --minutes 60 [--seed N] [--jobs 2] [--kinds kill,cut]`. Each seed is a run of some minutes of
 * simulated time with a few kinds of faults; a run that breaks a promise is made small and printed, `--shrink` of them by each process.
 * `--storm`: hundreds of faults a run instead. `--digests` prints the digest of each run: the same seed has the same digest. `--planted` brings
 * known defects back one by one in a copy of the program and searches until each is found. Exit 1 if any run broke a promise.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { draws, usualKinds } from "./generate.ts";
import type { Report } from "./loop.ts";
import { playPlanted } from "./planted/play-planted.ts";
import { createTotals } from "./totals.ts";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    jobs: { type: "string", default: "2" },
    runs: { type: "string", default: "1000000" },
    kinds: { type: "string" },
    storm: { type: "boolean", default: false },
    shrink: { type: "string", default: "5" },
    all: { type: "boolean", default: false },
    digests: { type: "boolean", default: false },
    planted: { type: "boolean", default: false },
  },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const jobs = Number(values.jobs);
const kinds = values.kinds ?? (values.all ? Object.keys(draws) : usualKinds).join(",");
const profile = values.storm ? "storm" : "swarm";
const endMs = performance.now() + Number(values.minutes) * 60_000;
const totals = createTotals();
if (values.planted) {
  console.log(`seed ${seed}, planted defects`);
  process.exit((await playPlanted(seed)) === 0 ? 0 : 1);
}
console.log(`seed ${seed}, ${profile}, kinds ${kinds}`);

const children = new Set<Bun.Subprocess>();
// A long run that is ended early tells what it has done.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
await Promise.all(Array.from({ length: jobs }, (_, job) => runJob(job)));
end();

function end(): never {
  for (const child of children) child.kill();
  console.log(totals.summary());
  console.log(totals.table());
  process.exit(totals.failures() > 0 ? 1 : 0);
}

/** Plays every `jobs`-th seed until the time is over, in one process after the other. */
async function runJob(job: number): Promise<void> {
  const runs = Number(values.runs);
  let played = 0;
  for (let before = -1; before < played && played < runs; ) {
    const leftS = (endMs - performance.now()) / 1000;
    if (played > 0 && leftS <= 0) return;
    before = played;
    played += await runProcess([seed + job + played * jobs, jobs, leftS, runs - played, kinds, profile, values.shrink]);
  }
}

/** Returns how many seeds the process played. */
async function runProcess(parameters: readonly (string | number)[]): Promise<number> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "loop.ts"), ...parameters.map(String)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.add(child);
  let played = 0;
  let rest = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    played += lines.length;
    for (const line of lines) tell(JSON.parse(line) as Report);
  }
  if ((await child.exited) !== 0) totals.crashed();
  children.delete(child);
  return played;
}

function tell(report: Report): void {
  totals.add(report);
  if (values.digests) console.log(`seed ${report.seed} digest ${report.digest}`);
  const [first] = report.violations;
  if (first === undefined) return;
  console.log(`seed ${report.seed} breaks a promise: ${first.promise}: ${first.detail}`);
  if (report.small !== null) console.log(report.small);
}
