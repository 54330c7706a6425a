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

test("no promise is broken in some seconds of simulated faults with a fresh seed", async () => {
  const seed = Math.floor(Math.random() * 1e9);
  const { code, text } = await run(
    "simulate.ts",
    "--minutes",
    "0.1",
    "--jobs",
    "1",
    "--seed",
    `${seed}`,
    "--kinds",
    steadyKinds.join(","),
  );
  console.log(
    text.split("\n").find((line) => line.includes("simulated hours")),
    `(--seed ${seed})`,
  );
  expect(code === 0 ? "" : text).toBe("");
}, 120_000);

test("the same seed is the same run, step by step; another seed is another one", async () => {
  const hashes = async (seed: string) => {
    const { text } = await run("loop.ts", seed, "1", "1000", "3", "kill,cut,suspend,disk_slow,catalogue_gone");
    return text
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { hash: string }).hash);
  };
  const [first, again, other] = [await hashes("501"), await hashes("501"), await hashes("601")];
  expect(first).toHaveLength(3);
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
