/** Preloaded before every test file (bunfig.toml): says what to do in a fresh clone, where each import would fail in its own words. */
import { existsSync } from "node:fs";
import { join } from "node:path";

if (!existsSync(join(import.meta.dir, "../../node_modules"))) {
  console.error(
    "The packages are not installed: run `bun install --frozen-lockfile` (`bun run test` does), then test again.",
  );
  process.exit(1);
}
