import { join } from "node:path";

/** Builds the page into a folder of the test's own, so that no other build can take it away meanwhile. */
export async function buildPage(outDir: string): Promise<void> {
  const { build } = await import("vite");
  const root = join(import.meta.dir, "../../web");
  await build({
    root,
    configFile: join(root, "vite.config.ts"),
    logLevel: "warn",
    build: { outDir, emptyOutDir: true },
  });
}
