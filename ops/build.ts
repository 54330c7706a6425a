import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "bun";
import { buildWeb } from "./build-web.ts";

const root = join(import.meta.dir, "..");

/** What a compiled executable starts besides main: the workers, each an entry point of its own. */
const entries = ["server/main.ts", ...["seal", "day", "verify"].map((name) => `server/archive/${name}.worker.ts`)];

/**
 * Builds the page and one executable that carries it. `target` is one of Bun's, such as `bun-linux-arm64`; without it, this
 * machine's. Resolves to the executable's path.
 */
export async function build(outfile = join(root, "dist/rt-data"), target?: string): Promise<string> {
  await buildWeb();
  await mkdir(join(outfile, ".."), { recursive: true });
  // What lies in the operator's working directory must not configure the program behind its back.
  const sealed = ["--no-compile-autoload-bunfig", "--no-compile-autoload-dotenv"];
  const page = ["--asset", "web/dist", "--asset-naming=[dir]/[name].[ext]"];
  const forTarget = target === undefined ? [] : [`--target=${target}`];
  await $`${process.execPath} build --compile --minify ${sealed} ${page} ${forTarget} --outfile ${outfile} ${entries}`
    .cwd(root)
    .quiet();
  return outfile;
}

if (import.meta.main) {
  const outfile = await build(undefined, process.argv[2]);
  console.log(`${outfile}: ${((await stat(outfile)).size / 1e6).toFixed(0)} MB`);
}
