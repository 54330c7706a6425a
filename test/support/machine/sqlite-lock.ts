import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { until } from "../wait.ts";

/** What a test that needs Debian's `sqlite3` adds to its title where that is not installed, otherwise "". */
export const sqliteMissing =
  spawnSync("sqlite3", ["--version"]).status === 0 ? "" : " (skipped: sqlite3 is not installed)";

/** How another program holds the catalogue: against writers, or against everybody. */
export const locks = {
  "against writers": "begin immediate;",
  "against everybody": "pragma locking_mode = exclusive; begin exclusive; update event set id = id where id = -1;",
} as const;

const held = new Set<{ release(): Promise<void> }>();

/** Lets go of every lock that a test has left. */
export async function releaseLocks(): Promise<void> {
  for (const lock of [...held]) await lock.release();
}

/** Holds the lock of a data folder's catalogue with Debian's `sqlite3`, until it is released. */
export async function lockCatalogue(dataDir: string, how: keyof typeof locks = "against writers") {
  const path = join(dataDir, "rt-data.sqlite");
  const child = Bun.spawn(["sqlite3", "-batch", path], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  child.stdin.write(`.timeout 20000\n${locks[how]}\nselect 'it is', 'held';\n`);
  child.stdin.flush();
  let said = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) said += new TextDecoder().decode(chunk);
  })();
  await until(() => said.includes("it is|held"), "sqlite3 to hold the lock", 30_000);
  const lock = {
    async release() {
      held.delete(lock);
      child.stdin.end();
      await child.exited;
      await reading;
    },
  };
  held.add(lock);
  return lock;
}

/** Rows of a question to a data folder's catalogue, columns parted by `|`. */
export function askCatalogue(dataDir: string, question: string): string[] {
  const found = spawnSync("sqlite3", ["-batch", join(dataDir, "rt-data.sqlite"), `.timeout 5000`, question]);
  if (found.status !== 0) throw new Error(found.stderr.toString());
  return found.stdout.toString().split("\n").filter(Boolean);
}
