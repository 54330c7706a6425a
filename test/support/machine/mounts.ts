import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const run = (...words: string[]) => spawnSync(words[0] ?? "", words.slice(1)).status === 0;
const mounted: string[] = [];

/** What a test that needs a file system of its own adds to its title where this user may not mount one, otherwise "". */
export const mountMissing = (() => {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-mount-"));
  const works = run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) && run("umount", folder);
  rmSync(folder, { recursive: true, force: true });
  return works ? "" : " (skipped: this user may not mount a file system)";
})();

/** A file system in memory, of that size (`4m`); gone with `unmountAll`. */
export function mountSmallDisk(size: string): string {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-disk-"));
  if (!run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder)) throw new Error(`cannot mount ${folder}`);
  mounted.push(folder);
  return folder;
}

/** The same files under a second path, which can be made read-only while the first path stays as it is. */
export function mountAgain(folder: string): string {
  const second = mkdtempSync(join(tmpdir(), "rt-data-bind-"));
  mkdirSync(folder, { recursive: true });
  if (!run("mount", "--bind", folder, second)) throw new Error(`cannot mount ${second}`);
  mounted.push(second);
  return second;
}

/** Takes the right to write away from a mount, or gives it back; fails while a file below is open for writing. */
export function remount(folder: string, how: "ro" | "rw", kind: "disk" | "bind"): void {
  if (!run("mount", "-o", kind === "bind" ? `remount,bind,${how}` : `remount,${how}`, folder))
    throw new Error(`cannot remount ${folder} ${how}`);
}

/** To be called by `afterAll` in every test file that mounts: a hook here would belong to the first of them alone. */
export function unmountAll(): void {
  for (const folder of mounted.splice(0).reverse()) {
    run("umount", "-l", folder);
    rmSync(folder, { recursive: true, force: true });
  }
}
