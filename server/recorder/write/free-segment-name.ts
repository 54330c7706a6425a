import { join } from "node:path";
import { liveFolder, manifestPath, type Segment, segmentName, segmentOfPath, segmentPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { readdir, readFile, stat } from "../../platform/files/files-async.ts";

/** Names that this run has used. Another program may have deleted the files. */
export type UsedNames = {
  /** Returns the highest suffix used in the window of `segment`; 0 if the window is new. */
  highest(segment: Segment): number;
  add(segment: Segment): void;
};

/** Most windows of a stream that are remembered: half an hour of 600 streams with windows of 5 minutes. */
const mostWindows = 4096;

/** Creates an empty memory of used names. */
export function createUsedNames(): UsedNames {
  const byWindow = new Map<string, number>();
  const keyOf = ({ name, ...day }: Segment) => `${liveFolder("", day)}/${name.replace(/_\d+$/, "")}`;
  return {
    highest: (segment) => byWindow.get(keyOf(segment)) ?? 0,
    add(segment) {
      const key = keyOf(segment);
      const highest = Math.max(byWindow.get(key) ?? 0, suffixOf(segment.name));
      byWindow.delete(key);
      byWindow.set(key, highest);
      if (byWindow.size > mostWindows) byWindow.delete(byWindow.keys().next().value ?? "");
    },
  };
}

/**
 * Finds the next name of a window: one more than the highest suffix of all its open and sealed segments, of those in the day's manifest, and
 * of those that this run has used. A name is never used twice, because the day's manifest lists merged segments by name, and because
 * checks of closed segments and the index of ids know a segment by its name. A lower name that has become free is not used either: within
 * a window the order of names is the order of time. Rejects with the system's error.
 */
async function freeSegment(dataDir: string, segment: Segment, usedNames: UsedNames | undefined): Promise<Segment> {
  const merged = await mergedNames(dataDir, segment);
  const stored = await storedNames(dataDir, segment);
  const isOfWindow = (name: string) => name === segment.name || name.startsWith(`${segment.name}_`);
  const suffixes = [...merged.names, ...stored].filter(isOfWindow).map(suffixOf);
  const highest = Math.max(0, merged.isKnown ? 0 : beyondAll, usedNames?.highest(segment) ?? 0, ...suffixes);
  for (let n = highest + 1; ; n++) {
    const candidate = { ...segment, name: segmentName(segment.name, n) };
    const paths = (["open", "sealed"] as const).map((state) => segmentPath(dataDir, candidate, state));
    // A file may have been renamed while the folder was listed.
    if (!(await Promise.all(paths.map(isThere))).includes(true)) return candidate;
  }
}

/** Creates the first free segment. `create` rejects with `EEXIST` if the name was taken meanwhile; then the next name is tried. */
export async function createFree<T>(
  { dataDir, usedNames }: { readonly dataDir: string; readonly usedNames?: UsedNames | undefined },
  wanted: Segment,
  create: (path: string) => Promise<T>,
): Promise<{ readonly segment: Segment; readonly file: T }> {
  for (;;) {
    const segment = await freeSegment(dataDir, wanted, usedNames);
    try {
      const file = await create(segmentPath(dataDir, segment, "open"));
      usedNames?.add(segment);
      return { segment, file };
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
}

/** Suffix that the names of a window never reach. Used if the manifest is unreadable. */
const beyondAll = 1000;

/** Names in the day's manifest. A damaged manifest must not stop the recording: its names are unknown. */
async function mergedNames(
  dataDir: string,
  segment: Segment,
): Promise<{ readonly names: readonly string[]; readonly isKnown: boolean }> {
  try {
    const manifest = JSON.parse(await readFile(manifestPath(dataDir, segment), "utf8")) as { segments?: string[] };
    return { names: manifest.segments ?? [], isKnown: true };
  } catch (error) {
    if (error instanceof SyntaxError) return { names: [], isKnown: false };
    if (codeOf(error) === "ENOENT") return { names: [], isKnown: true };
    throw error;
  }
}

/** Names of the day's segments on disk, open or sealed. */
async function storedNames(dataDir: string, segment: Segment): Promise<readonly string[]> {
  const folder = liveFolder(dataDir, segment);
  try {
    return (await readdir(folder)).flatMap((file) => segmentOfPath(join(folder, file))?.segment.name ?? []);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function suffixOf(name: string): number {
  return Number(/_(\d+)$/.exec(name)?.[1] ?? 1);
}

/** Checks whether the path exists; rejects if the file system gives no answer. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // ENOTDIR: a file has taken the place of a folder.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}
