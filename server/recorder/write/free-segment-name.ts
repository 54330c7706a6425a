import { manifestPath, type Segment, segmentName, segmentPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { readFile, stat } from "../../platform/files/files-async.ts";

/**
 * Finds a free name for a segment by counting a suffix up. A name is free if no open segment, sealed segment or archive uses it.
 * A name is never used twice, because the day's manifest lists merged segments by name. Rejects with the system's error.
 */
export async function freeSegment(dataDir: string, segment: Segment): Promise<Segment> {
  const merged = await mergedNames(dataDir, segment);
  for (let n = merged === "unknown" ? beyondAll : 1; ; n++) {
    const candidate = { ...segment, name: segmentName(segment.name, n) };
    const taken = await Promise.all(
      (["open", "sealed"] as const).map((at) => isThere(segmentPath(dataDir, candidate, at))),
    );
    if (!taken.includes(true) && (merged === "unknown" || !merged.has(candidate.name))) return candidate;
  }
}

/** Creates the first free segment. `create` rejects with `EEXIST` if the name was taken meanwhile; then the next name is tried. */
export async function createFree<T>(
  dataDir: string,
  wanted: Segment,
  create: (path: string) => Promise<T>,
): Promise<{ readonly segment: Segment; readonly file: T }> {
  for (;;) {
    const segment = await freeSegment(dataDir, wanted);
    try {
      return { segment, file: await create(segmentPath(dataDir, segment, "open")) };
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
