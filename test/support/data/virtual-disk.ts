import { readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceFiles, systemFiles } from "../../../server/platform/files/files.ts";
import { workingDisk } from "../../simulation/disk/faults.ts";
import { createFiles } from "../../simulation/disk/files.ts";
import { createTree } from "../../simulation/disk/tree.ts";
import { createRandom } from "../../simulation/random.ts";
import { filesBelow } from "./day-fixture.ts";

/** The end of a process at a step; also what every later step of it throws. */
export class Killed extends Error {}

/** What happens at a step: the process is killed, the power goes, or the disk is full from then on. */
export type Blow = "kill" | "power" | "full";

/** A disk in memory, which holds files of this process until `restore`. */
export type VirtualDisk = {
  /** Runs work as a process on this disk; a blow hits it at its `at`-th step that touches a file. Returns how it ended. */
  run(
    work: () => Promise<void>,
    blow?: { readonly kind: Blow; readonly at: number },
  ): Promise<"done" | "killed" | "failed">;
  /** Steps of the last run. */
  steps(): number;
  /** Every file with its content. */
  files(): ReadonlyMap<string, Buffer>;
  /** The real files again. */
  restore(): void;
};

/** Creates a disk with these files. */
export function createVirtualDisk(files: ReadonlyMap<string, Uint8Array>, seed: number): VirtualDisk {
  const random = createRandom(seed);
  const tree = createTree(Date.now, Date.now);
  const state = workingDisk();
  const locks = new Map();
  for (const [path, content] of files) {
    tree.makeFolders(path.slice(0, path.lastIndexOf("/")));
    const inode = tree.create(path);
    tree.write(inode, content, 0);
    tree.sync(inode);
  }
  let steps = 0;
  return {
    async run(work, blow) {
      steps = 0;
      let isDead = false;
      const death = Promise.withResolvers<void>();
      const holder = {
        step() {
          if (isDead) throw new Killed("the process is gone");
          if (++steps !== blow?.at) return;
          if (blow.kind === "full") state.capacity = tree.bytes();
          else {
            isDead = true;
            death.resolve();
            throw new Killed("killed");
          }
        },
        isDead: () => isDead,
        later: (_: number, run: () => void) => queueMicrotask(run),
        block() {},
      };
      replaceFiles(createFiles({ tree, state, random, holder, nowMs: Date.now, locks, system: new Map() }));
      try {
        // What a dead process awaits never comes.
        await Promise.race([work(), death.promise]);
        return isDead ? "killed" : "done";
      } catch (error) {
        if (!isDead && blow?.kind !== "full") throw error;
        return isDead ? "killed" : "failed";
      } finally {
        // Whatever still unwinds finds this disk, where every step of a dead process fails.
        await Bun.sleep(1);
        state.capacity = Number.POSITIVE_INFINITY;
        if (isDead && blow?.kind === "power") tree.losePower(random);
        replaceFiles(systemFiles);
      }
    },
    steps: () => steps,
    files: () =>
      new Map(tree.files("/").map(({ path, inode }) => [path, Buffer.from(inode.data.subarray(0, inode.size))])),
    restore: () => replaceFiles(systemFiles),
  };
}

/** Real files below a folder, by paths as if the folder were `root`. */
export function filesAs(folder: string, root: string): Map<string, Uint8Array> {
  return new Map(filesBelow(folder).map((path) => [join(root, path), readFileSync(join(folder, path))]));
}
