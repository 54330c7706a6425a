/**
 * `bun run test:random [--minutes 60] [--seed N]`: a night's work. Plays the random tests ten times as often as `bun run test` does, and
 * simulated days (test/simulation), both with a new seed each round, until the time is over. Stops at the first failure and says how to
 * repeat it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Glob } from "bun";

const root = join(import.meta.dir, "../..");
const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { minutes: { type: "string", default: "60" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
const firstSeed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
if (!(minutes > 0) || !Number.isInteger(firstSeed)) {
  console.error("--minutes takes a number of minutes, such as 60, and --seed a whole number");
  process.exit(2);
}

/** Minutes of simulation in a round; the tests take about as long. */
const simulationMinutes = Math.min(3, minutes / 2);

/** Kills of real processes: at random moments, which a seed does not repeat, and of the installer at every point. */
const kills = [
  "test/program/record/crash.test.ts",
  "test/program/upgrade/upgrade.test.ts",
  "test/packaging/install-kill.test.ts",
];
const seeded = [...new Glob("test/**/*.test.ts").scanSync(root)].filter((file) =>
  readFileSync(join(root, file), "utf8").includes("/random-runs.ts"),
);

const endMs = Date.now() + minutes * 60_000;
let rounds = 0;
do {
  const seed = firstSeed + rounds * 1000;
  console.log(`round ${rounds + 1}, seed ${seed}`);
  // The installer's points are the same in every round.
  const matrix = rounds === 0 ? "all" : "some";
  const env = { TEST_RANDOM_TIMES: "10", TEST_RANDOM_SEED: String(seed), TEST_INSTALL_MATRIX: matrix };
  run(seed, ["bun", "test", "--timeout=600000", ...seeded.sort(), ...kills], env);
  const simulation = ["--minutes", String(simulationMinutes), "--seed", String(seed), "--jobs", "2"];
  run(seed, ["bun", "test/simulation/simulate.ts", ...simulation]);
  rounds++;
} while (Date.now() < endMs);
console.log(`${rounds} rounds of ${seeded.length + kills.length} files and of the simulation passed`);

function run(seed: number, words: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  const { exitCode } = Bun.spawnSync([...words], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode === 0) return;
  console.error(`round ${rounds + 1} failed with seed ${seed}: ${words.slice(0, 2).join(" ")} says why above`);
  console.error(`the same round again: bun run test:random --minutes ${minutes} --seed ${seed}`);
  process.exit(1);
}
