import { join } from "node:path";
import { codeOf, messageOf, OperatorError } from "../../platform/errors.ts";
import { readdirSync, realpathSync, statSync } from "../../platform/files/files.ts";

/**
 * Lists every file below a folder, sorted, except quarantined files. Files may move meanwhile: from `live` into `archive`, when a day
 * is merged. Therefore `live` is read before `archive`, so that each day is found at least once.
 * Links to folders are followed, each target once: `archive` may be on another disk.
 * @throws OperatorError if the folder cannot be read.
 */
export function filesBelow(folder: string): string[] {
  const files: string[] = [];
  const targets = new Set<string>();
  const collect = (path: string): void => {
    for (const entry of entriesOf(path, path === folder)) {
      const entryPath = join(path, entry.name);
      if (entry.isFile()) files.push(entryPath);
      else if (entryPath === join(folder, "quarantine")) continue;
      else if (entry.isDirectory() || isNewTarget(entryPath, entry, targets)) collect(entryPath);
    }
  };
  try {
    collect(folder);
  } catch (error) {
    throw new OperatorError(`cannot read ${folder}: ${messageOf(error)}`, { cause: error });
  }
  return files.sort();
}

/** Tests whether a link leads to a folder that no link before led to. */
function isNewTarget(path: string, entry: { isSymbolicLink(): boolean }, targets: Set<string>): boolean {
  if (!entry.isSymbolicLink()) return false;
  let target: string;
  try {
    target = realpathSync(path);
    if (!statSync(target).isDirectory()) return false;
  } catch {
    return false;
  }
  const isNew = !targets.has(target);
  targets.add(target);
  return isNew;
}

/** Lists a folder, `live` first. Empty if it has vanished, unless it has to be there. */
function entriesOf(folder: string, isNeeded: boolean) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return [...entries.filter(({ name }) => name === "live"), ...entries.filter(({ name }) => name !== "live")];
  } catch (error) {
    if (codeOf(error) === "ENOENT" && !isNeeded) return [];
    throw error;
  }
}
