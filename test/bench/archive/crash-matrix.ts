/**
 * `bun crash-matrix.ts [--every N] [--hands N]`: the whole program with a fault at every step that touches a file, then the next start; needs
 * strace. Prints the results as a Markdown table, and every failed run.
 */
import { describeStep, type Fault, faultsOf, type Outcome, runWithFault } from "../../support/crash/fault-run.ts";
import { listSteps, parts } from "../../support/crash/steps.ts";

const every = numberAfter("--every", 1);
/** Runs beside each other; each mostly waits. */
const handCount = numberAfter("--hands", 2);
/** SQLite writes a page at a time, always in the same way. */
const mostOfCatalogue = 6;

const started = performance.now();
const counts = new Map<string, number>();
const steps = (await listSteps()).filter((step) => {
  const key = `${step.run} ${step.call} ${step.path}`;
  counts.set(key, (counts.get(key) ?? 0) + 1);
  return step.part !== "catalogue" || (counts.get(key) ?? 0) <= mostOfCatalogue;
});
const work = steps
  .flatMap((step) => faultsOf(step).map((fault) => ({ step, fault })))
  .filter((_, n) => n % every === 0);
const outcomes: Outcome[] = [];
const hands = Array.from({ length: handCount }, async () => {
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    outcomes.push(await runWithFault(next.step, next.fault));
    if (process.stderr.isTTY) process.stderr.write(`\r${outcomes.length} done, ${work.length} to go `);
  }
});
await Promise.all(hands);

const sum = (of: readonly Outcome[], value: (one: Outcome) => number) => of.reduce((all, one) => all + value(one), 0);
console.log(
  `${steps.length} steps; in ${sum(outcomes, (one) => Number(one.happened))} of ${outcomes.length} runs the fault happened; ${Math.round((performance.now() - started) / 1000)} s\n`,
);
console.log(
  "| step | fault | runs | ended the run | files unreadable | written records lost | doubled | holes not written down | newest lost, at most |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
const faults: readonly Fault[] = ["SIGKILL", "ENOSPC", "EIO"];
for (const part of [...parts, "all"]) {
  for (const fault of faults) {
    const of = outcomes.filter(
      (one) => one.happened && (part === "all" || one.step.part === part) && one.fault === fault,
    );
    if (of.length === 0) continue;
    const cells = [
      part,
      fault,
      of.length,
      of.filter(({ ended }) => ended).length,
      sum(of, (one) => one.unreadable.length),
    ];
    cells.push(
      sum(of, (one) => one.lost.length),
      sum(of, (one) => one.doubled.length),
      sum(of, (one) => one.unwritten.length),
    );
    console.log(`| ${[...cells, Math.max(...of.map(({ newestLost }) => newestLost))].join(" | ")} |`);
  }
}
for (const one of outcomes) {
  const { unreadable, lost, doubled, unwritten, newestLost, problem } = one;
  const isBad =
    unreadable.length + lost.length + doubled.length + unwritten.length > 0 ||
    problem !== null ||
    (one.fault !== "SIGKILL" && !one.ended && newestLost > 0);
  if (isBad)
    console.log(
      `\n${describeStep(one.step, one.fault)}: ${JSON.stringify({ unreadable, lost, doubled, unwritten, newestLost, problem })}`,
    );
}
process.exit(0);

function numberAfter(flag: string, fallback: number): number {
  const at = process.argv.indexOf(flag);
  return at < 0 ? fallback : Number(process.argv[at + 1]) || fallback;
}
