/**
 * `bun run test:random [--minutes 60]`: repeats the random suites with new seeds until the time is over, for a night. Stops at the first
 * failure, whose seed and path fast-check has printed by then.
 */
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const suites = [
  "test/unit/binance/gaps/schedules.test.ts",
  "test/unit/binance/gaps/upgrade-schedules.test.ts",
  "test/program/record/crash.test.ts",
  "test/program/upgrade/upgrade.test.ts",
];
const at = process.argv.indexOf("--minutes");
const minutes = at < 0 ? 60 : Number(process.argv[at + 1]);
if (!(minutes > 0)) {
  console.error("--minutes takes a number of minutes, such as 60");
  process.exit(2);
}

const endMs = Date.now() + minutes * 60_000;
let rounds = 0;
do {
  const env = { ...process.env, TEST_RANDOM_RUNS: "500" };
  const { exitCode } = Bun.spawnSync(["bun", "test", "--timeout=600000", ...suites], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (exitCode !== 0) {
    console.error(`round ${rounds + 1} failed; its seed is printed above`);
    process.exit(1);
  }
  rounds++;
} while (Date.now() < endMs);
console.log(`${rounds} rounds of ${suites.length} random suites passed`);
