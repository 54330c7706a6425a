import { Database } from "bun:sqlite";
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";

const root = join(import.meta.dir, "../..");
const executable = join(root, "dist/rt-data");
const sources = new Glob("{server,web,ops}/**/*");

/**
 * Returns the path of this checkout's executable. `bun run test` has built it for all files (`TEST_EXECUTABLE`); a file that runs by
 * itself builds it if it is missing or older than a source.
 *
 * @throws if the build fails, with its output.
 */
export async function builtExecutable(): Promise<string> {
  const { TEST_EXECUTABLE: built } = process.env;
  if (built !== undefined) return built;
  const unlock = lockBuild();
  try {
    if (!isUpToDate()) await build();
  } finally {
    unlock();
  }
  return executable;
}

/** Another file may be building at the same time. The system gives the lock back even if its owner is killed. */
function lockBuild(): () => void {
  const folder = join(import.meta.dir, "../.tmp");
  mkdirSync(folder, { recursive: true });
  const lock = new Database(join(folder, "build.lock"));
  lock.exec("PRAGMA busy_timeout = 120000; BEGIN EXCLUSIVE");
  return () => lock.close();
}

function isUpToDate(): boolean {
  const builtMs = statSync(executable, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const paths = ["package.json", "bun.lock", ...sources.scanSync(root)].filter((path) => !path.startsWith("web/dist/"));
  return paths.every((path) => statSync(join(root, path)).mtimeMs < builtMs);
}

async function build(): Promise<void> {
  const child = Bun.spawn([process.execPath, "ops/build.ts"], { cwd: root, stdout: "ignore", stderr: "pipe" });
  const errors = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(`the executable does not build:\n${errors}`);
}
