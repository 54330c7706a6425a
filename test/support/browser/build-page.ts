import { cp } from "node:fs/promises";
import { join } from "node:path";

/**
 * Puts the built page into a folder of the test's own, so that no other build can take it away meanwhile. `bun run test` has built it
 * once for all files (`TEST_BUILT_PAGE`); a file that runs by itself builds it.
 */
export async function buildPage(outDir: string): Promise<void> {
  const built = process.env.TEST_BUILT_PAGE;
  if (built !== undefined) return cp(built, outDir, { recursive: true });
  const { build } = await import("vite");
  const root = join(import.meta.dir, "../../../web");
  await build({
    root,
    configFile: join(root, "vite.config.ts"),
    logLevel: "warn",
    build: { outDir, emptyOutDir: true },
  });
}
