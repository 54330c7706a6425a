import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { codeOf, FileError } from "../../platform/errors.ts";
import {
  removeIfThere,
  removeRest,
  renameDurably,
  syncFolder,
  writeDurably,
} from "../../platform/files/durable-files.ts";
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "../../platform/files/files.ts";
import { namesIn } from "../../platform/files/names-in.ts";
import type { TableStore } from "./table-store.ts";

/** Error codes of file systems without hard links (FAT, some network mounts). */
const noLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Creates the access to the table in a folder. `writes`: removes what a killed process left of an unfinished commit. */
export function createLocalStore(root: string, { writes }: { readonly writes: boolean }): TableStore {
  if (writes) removeTemporaries(root);

  return {
    name: root,
    async read(path) {
      try {
        return readFileSync(join(root, path));
      } catch (error) {
        if (codeOf(error) === "ENOENT") return null;
        throw new FileError("read", join(root, path), error);
      }
    },
    async create(path, content) {
      const target = join(root, path);
      try {
        return createWhole(target, content);
      } catch (error) {
        throw new FileError("write", target, error);
      }
    },
    async replace(path, content) {
      writeDurably(join(root, path), content);
    },
    async remove(path) {
      removeIfThere(join(root, path));
    },
  };
}

function removeTemporaries(root: string): void {
  for (const folder of [root, join(root, "_delta_log")])
    for (const name of namesIn(folder)) if (isTemporary(name)) removeRest(join(folder, name));
}

/** Creates a file with its content, or not at all; false if it exists. The content is complete before the name appears. */
function createWhole(target: string, content: Uint8Array): boolean {
  const folder = dirname(target);
  mkdirSync(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}.tmp`);
  try {
    const fd = openSync(temporary, "wx");
    try {
      writeFileSync(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return nameIfFree(temporary, target);
  } finally {
    removeRest(temporary);
  }
}

/** Gives a file a name that no file has; false if the name is taken. A link never replaces a file, as a rename would. */
function nameIfFree(temporary: string, target: string): boolean {
  try {
    linkSync(temporary, target);
    syncFolder(dirname(target));
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (!noLinks.has(codeOf(error) ?? "")) throw error;
    // Without links only the data folder's lock keeps two writers apart.
    if (existsSync(target)) return false;
    renameDurably(temporary, target);
    return true;
  }
}

function isTemporary(name: string): boolean {
  return /^\.[0-9a-f-]{36}\.tmp$/.test(name);
}
