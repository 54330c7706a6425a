import { liveFolder, manifestPath, type Segment, segmentName, segmentPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { readFile, stat } from "../../platform/files/files-async.ts";

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
      const highest = Math.max(byWindow.get(key) ?? 0, Number(/_(\d+)$/.exec(segment.name)?.[1] ?? 1));
      byWindow.delete(key);
      byWindow.set(key, highest);
      if (byWindow.size > mostWindows) byWindow.delete(byWindow.keys().next().value ?? "");
    },
  };
}

/**
 * Finds a free name for a segment by counting a suffix up. A name is free if no open segment, sealed segment or archive uses it, and no
 * segment of this run has used it. A name is never used twice, because the day's manifest lists merged segments by name, and because
 * checks of closed segments and the index of ids know a segment by its name. Rejects with the system's error.
 */
async function freeSegment(dataDir: string, segment: Segment, usedNames: UsedNames | undefined): Promise<Segment> {
  const merged = await mergedNames(dataDir, segment);
  for (let n = Math.max(merged === "unknown" ? beyondAll : 1, (usedNames?.highest(segment) ?? 0) + 1); ; n++) {
    const candidate = { ...segment, name: segmentName(segment.name, n) };
    const taken = await Promise.all(
      (["open", "sealed"] as const).map((at) => isThere(segmentPath(dataDir, candidate, at))),
    );
    if (!taken.includes(true) && (merged === "unknown" || !merged.has(candidate.name))) return candidate;
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

async function mergedNames(dataDir: string, segment: Segment): Promise<ReadonlySet<string> | "unknown"> {
  try {
    const manifest = JSON.parse(await readFile(manifestPath(dataDir, segment), "utf8")) as { segments?: string[] };
    return new Set(manifest.segments ?? []);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return new Set();
    // A damaged manifest must not stop the recording.
    if (error instanceof SyntaxError) return "unknown";
    throw error;
  }
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
