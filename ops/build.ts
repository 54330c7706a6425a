import { readFileSync, rmSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";
import { buildWeb } from "./build-web.ts";
import { type BundledPackage, bundledPackages } from "./release/bundled.ts";
import { licensesText } from "./release/licenses.ts";
import { type SourceVersion, sourceVersion } from "./release/version.ts";

const root = join(import.meta.dir, "..");

/** What a compiled executable starts besides main: the workers, each an entry point of its own. */
const entries = [
  "server/main.ts",
  ...[
    "archive/seal/seal",
    "archive/merge/day",
    "archive/verify/verify",
    "app/data/book",
    "app/dataset/dataset",
    "app/official/official",
    "app/tardis/tardis",
    "cli/export/export",
    "telegram/pictures/picture",
  ].map((name) => `server/${name}.worker.ts`),
];

/** What every executable of this checkout has in common. */
export type Prepared = { readonly source: SourceVersion; readonly packages: readonly BundledPackage[] };

/** Builds the page, and puts the licences of everything that is bundled beside it. */
export async function prepare(): Promise<Prepared> {
  const page = await buildWeb();
  const packages = bundledPackages(root, [...page.modules, ...(await serverModules())]);
  await Bun.write(
    join(root, "web/dist/static/licenses.txt"),
    licensesText(packages, readFileSync(join(root, "LICENSE"), "utf8")),
  );
  return { source: sourceVersion(root), packages };
}

/**
 * Compiles an executable that carries the page, as `prepare` has left it. `target` is one of Bun's without `bun-`, such as
 * `linux-arm64`; the same checkout gives the same bytes, whatever its folder and the time.
 */
export async function compile(outfile: string, target: string, source: SourceVersion): Promise<void> {
  // The executable carries the name that it is compiled under.
  const folder = join(tmpdir(), `rt-data-build-${process.pid}-${target}`);
  const built = join(folder, "rt-data");
  const { version, commit, committedAt } = source;
  const date = new Date(committedAt * 1000).toISOString().slice(0, 10);
  const about = `RT_DATA_BUILD=${JSON.stringify({ version, commit, date, target })}`;
  // Files in the operator's working directory must not configure the program behind its back.
  const sealed = ["--no-compile-autoload-bunfig", "--no-compile-autoload-dotenv"];
  const page = ["--asset", "web/dist", "--asset-naming=[dir]/[name].[ext]"];
  // Without bytecode each start parses 1.5 MB of source, which is two thirds of the CPU of a short command.
  const bytecode = ["--bytecode", "--format=esm"];
  // Workers are found below the folder of main.ts. Beyond eight entry points Bun takes another root by itself.
  const words = [
    "--compile",
    "--minify",
    "--root=server",
    ...bytecode,
    ...sealed,
    ...page,
    `--target=bun-${target}`,
    "--define",
    about,
  ];
  try {
    await $`${process.execPath} build ${words} --outfile ${built} ${entries}`.cwd(root).quiet();
    await mkdir(join(outfile, ".."), { recursive: true });
    await $`mv ${built} ${outfile}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds the page and the executable for this machine; resolves to its path. */
export async function build(
  outfile = join(root, "dist/rt-data"),
  target = `${process.platform}-${process.arch}`,
): Promise<string> {
  const { source } = await prepare();
  await compile(outfile, target, source);
  return outfile;
}

/** Paths of all modules that get into the executable. */
async function serverModules(): Promise<readonly string[]> {
  const folder = join(tmpdir(), `rt-data-modules-${process.pid}`);
  const metafile = join(folder, "modules.json");
  try {
    await mkdir(folder, { recursive: true });
    await $`${process.execPath} build --target=bun --metafile=${metafile} --outdir ${folder} ${entries}`
      .cwd(root)
      .quiet();
    const { inputs } = JSON.parse(readFileSync(metafile, "utf8")) as { inputs: Readonly<Record<string, unknown>> };
    return Object.keys(inputs);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const outfile = await build(undefined, process.argv[2]);
  console.log(`${outfile}: ${((await stat(outfile)).size / 1e6).toFixed(0)} MB`);
}
