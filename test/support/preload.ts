/**
 * Preloaded (bunfig.toml): says what to do in a fresh clone, where each import would fail in its own words, and gives the tests of a file
 * that is run by itself the time that `bun run test` gives them.
 */
import { afterAll, setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { endPrograms } from "./program.ts";

if (!existsSync(join(import.meta.dir, "../../node_modules"))) {
  console.error(
    "The packages are not installed: run `bun install --frozen-lockfile` (`bun run test` does), then test again.",
  );
  process.exit(1);
}

const { TEST_RANDOM_TIMES: times, TEST_RANDOM_SEED: seed } = process.env;

setDefaultTimeout(60_000 * Number(times ?? 1));
afterAll(endPrograms);

// `bun run test:random` draws the seed, so that it can say it.
if (seed !== undefined) (await import("fast-check")).default.configureGlobal({ seed: Number(seed) });
