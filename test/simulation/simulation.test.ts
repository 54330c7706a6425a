import { expect, test } from "bun:test";
import { join } from "node:path";
import { steadyKinds } from "./generate.ts";
import { defects } from "./planted/defects.ts";
import { changedFiles } from "./planted/play-planted.ts";

/** In processes of their own: the simulator takes the place of time, network and disk for the whole process. */
async function run(file: string, ...parameters: readonly string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...parameters], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([child.stdout, child.stderr].map((stream) => new Response(stream).text()));
  return { code: await child.exited, text: `${out}${err}` };
}

type Run = { readonly seed: number; readonly faults: number; readonly violations: readonly unknown[] };
type Part =
  | { readonly part: "missed lies" | "broken cases"; readonly result: number }
  | { readonly part: "swarm" | "storm"; readonly result: Run }
  | { readonly part: "digest"; readonly result: string };

const suite = run("suite.ts");
const parts = suite.then(({ text }) =>
  text
    .split("\n")
    .filter((line) => line.startsWith('{"part"'))
    .map((line) => JSON.parse(line) as Part),
);
const resultsOf = async (name: Part["part"]) =>
  (await parts).filter(({ part }) => part === name).map(({ result }) => result);

/** What the process printed, if it did not end as it should. */
async function outputUnless(isRight: boolean): Promise<string> {
  return isRight ? "" : (await suite).text;
}

test("no promise is broken in fresh runs of simulated faults", async () => {
  const runs = (await resultsOf("swarm")) as Run[];
  console.log(`bun run test:simulate --seed ${runs[0]?.seed} --runs 2 --jobs 1 --kinds ${steadyKinds.join(",")}`);
  expect(await outputUnless(runs.length === 2 && runs.every(({ violations }) => violations.length === 0))).toBe("");
}, 240_000);

test("no promise is broken in storms of hundreds of faults", async () => {
  const storms = (await resultsOf("storm")) as Run[];
  expect(storms.map(({ seed, violations }) => ({ seed, violations }))).toEqual([
    { seed: 5, violations: [] },
    { seed: 6, violations: [] },
  ]);
  expect(Math.min(...storms.map(({ faults }) => faults))).toBeGreaterThan(100);
}, 240_000);

test("the same seed is the same run, step by step and byte for byte, in one process and in two; another seed is another run", async () => {
  const [first, again, other] = (await resultsOf("digest")) as string[];
  expect(first).toMatch(/^[0-9a-f]{16}$/);
  expect(again).toBe(first ?? "");
  expect(other).not.toBe(first ?? "");
  const kinds = ["--kinds", "kill,power_loss,cut,suspend,disk_slow,catalogue_gone", "--shrink", "0"];
  const { text } = await run("simulate.ts", "--seed", "501", "--runs", "1", "--jobs", "1", "--digests", ...kinds);
  expect(text).toContain(`seed 501 digest ${first}\n`);
  expect(text).toContain("1 runs, ");
}, 240_000);

test("every defect that was found stays mended", async () => {
  expect(await outputUnless((await resultsOf("broken cases"))[0] === 0)).toBe("");
}, 240_000);

test("the judge sees each way in which the files can be wrong", async () => {
  expect(await outputUnless((await resultsOf("missed lies"))[0] === 0)).toBe("");
  expect((await suite).code).toBe(0);
}, 240_000);

test("each planted defect still fits the code, so that `--planted` can bring it back", () => {
  for (const defect of defects) expect(changedFiles(defect).size).toBeGreaterThan(0);
});
