import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../wait.ts";

/** A file system that is a process, as sshfs and rclone are: it dies when that is killed, and every call then fails (ENOTCONN). */
export type FuseDisk = {
  readonly path: string;
  /** Where its files really lie. */
  readonly behind: string;
  die(): Promise<void>;
  comeBack(): Promise<void>;
  /** The same mount, but empty. */
  comeBackEmpty(): Promise<void>;
  end(): void;
};

const run = (...words: string[]) => spawnSync(words[0] ?? "", words.slice(1)).status === 0;

/** What a test that needs such a file system adds to its title if this user cannot have one, otherwise "". */
export const fuseMissing = (() => {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-fuse-"));
  const works = run("bindfs", folder, folder) && run("umount", folder);
  rmSync(folder, { recursive: true, force: true });
  return works ? "" : " (skipped: bindfs is not installed or may not mount)";
})();

/** A folder that is mounted through a process. */
export async function mountFuse(): Promise<FuseDisk> {
  const top = mkdtempSync(join(tmpdir(), "rt-data-fuse-"));
  const [path, behind] = [join(top, "mounted"), join(top, "behind")];
  for (const folder of [path, behind]) mkdirSync(folder);
  let server: ReturnType<typeof Bun.spawn> | null = null;
  let mounts = 0;

  /** Puts a new file system in the place of the dead one at once: between the two, the recorder would write into the folder below. */
  async function mount(): Promise<void> {
    const before = statSync(top).dev;
    const aside = join(top, `aside-${++mounts}`);
    mkdirSync(aside);
    server = Bun.spawn(["bindfs", "-f", behind, aside], { stdio: ["ignore", "ignore", "ignore"] });
    await until(() => statSync(aside).dev !== before, "the file system to be mounted");
    const isSwapped = run("sh", "-c", 'umount -l "$1" 2>/dev/null; mount --bind "$2" "$1"', "swap", path, aside);
    if (!isSwapped) throw new Error(`cannot mount ${aside} at ${path}`);
  }

  await mount();
  return {
    path,
    behind,
    async die() {
      server?.kill("SIGKILL");
      await server?.exited;
    },
    async comeBack() {
      await mount();
    },
    async comeBackEmpty() {
      renameSync(behind, `${behind}-before`);
      mkdirSync(behind);
      await mount();
    },
    end() {
      server?.kill("SIGKILL");
      run("umount", "-l", path);
      for (let n = 1; n <= mounts; n++) run("umount", "-l", join(top, `aside-${n}`));
      rmSync(top, { recursive: true, force: true });
    },
  };
}
