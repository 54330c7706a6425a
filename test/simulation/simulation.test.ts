import { expect, test } from "bun:test";
import { join } from "node:path";
import { steadyKinds } from "./generate.ts";

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

test("no promise is broken in storms of hundreds of faults", async () => {
  const kinds = ["--kinds", steadyKinds.join(",")];
  const runs = ["--storm", "--runs", "2", "--jobs", "1", "--seed", "5", "--shrink", "0"];
  const { code, text } = await run("simulate.ts", ...runs, ...kinds);
  console.log(text.split("\n").find((line) => line.includes("simulated hours")));
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);

test("the same seed is the same run, step by step; another seed is another run", async () => {
  const hashes = async (seed: string, runs = "3", profile = "swarm") => {
    const kinds = "kill,cut,suspend,disk_slow,catalogue_gone";
    const { text } = await run("loop.ts", seed, "1", "1000", runs, kinds, profile, "0");
    return text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { hash: string }).hash);
  };
  const [first, again, other] = [await hashes("501"), await hashes("501"), await hashes("601")];
  expect(first).toHaveLength(3);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(await hashes("501", "1", "storm")).toEqual(await hashes("501", "1", "storm"));
}, 120_000);

test("every defect that was found stays mended", async () => {
  const { code, text } = await run("cases/play-cases.ts");
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);

test("the judge sees each way in which the files can be wrong", async () => {
  const { code, text } = await run("judge/lies.ts");
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);
