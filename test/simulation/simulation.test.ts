import { expect, test } from "bun:test";
import { join } from "node:path";
import { steadyKinds } from "./generate.ts";
import type { Report } from "./loop.ts";

/** In processes of their own: the simulator takes the place of time, network and disk for the whole process. */
async function run(file: string, ...parameters: readonly string[]): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...parameters], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([child.stdout, child.stderr].map((stream) => new Response(stream).text()));
  return { code: await child.exited, text: `${out}${err}` };
}

/** The seed is a fresh one, and is printed: `bun run test:simulate --seed N --kinds …` plays the same runs again. Storms keep their seed. */
test("no promise is broken in hours of simulated faults", async () => {
  const kinds = ["--kinds", steadyKinds.join(",")];
  const { code, text } = await run("simulate.ts", "--minutes", "1", "--runs", "2", "--jobs", "1", ...kinds);
  console.log(
    text
      .split("\n")
      .filter((line) => /^seed \d+,|simulated hours/.test(line))
      .join("\n"),
  );
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);

/** The runs of consecutive seeds, the first being `seed`. */
async function play(profile: "swarm" | "storm", seed: number, runs: number, kinds: string): Promise<readonly Report[]> {
  const { text } = await run("loop.ts", String(seed), "1", "1000", String(runs), kinds, profile, "0");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Report);
}

test("no promise is broken in storms of hundreds of faults, and the same storm is the same run, step by step", async () => {
  const storms = await play("storm", 5, 2, steadyKinds.join(","));
  expect(storms.map(({ seed, violations }) => ({ seed, violations }))).toEqual([
    { seed: 5, violations: [] },
    { seed: 6, violations: [] },
  ]);
  expect(Math.min(...storms.map(({ faults }) => faults))).toBeGreaterThan(100);
  const [again] = await play("storm", 5, 1, steadyKinds.join(","));
  expect(again?.hash).toBe(storms[0]?.hash ?? "");
}, 240_000);

test("the same seed is the same run, step by step; another seed is another one", async () => {
  const hashes = async (seed: number) =>
    (await play("swarm", seed, 2, "kill,cut,suspend,disk_slow,catalogue_gone")).map(({ hash }) => hash);
  const [first, again, other] = [await hashes(501), await hashes(501), await hashes(601)];
  expect(first).toHaveLength(2);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
}, 120_000);

test("every defect that was found stays mended", async () => {
  const { code, text } = await run("cases/play-cases.ts");
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);

test("the judge sees each way in which the files can be wrong", async () => {
  const { code, text } = await run("judge/lies.ts");
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);
