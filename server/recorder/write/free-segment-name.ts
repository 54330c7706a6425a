import { manifestPath, type Segment, segmentName, segmentPath } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { readFile, stat } from "../../platform/files/files-async.ts";

/**
 * The segment with its name counted on until nothing has it: no open file, no sealed one, no archive that was made of it.
 * A name is never used twice, since the day's manifest lists what has been merged by name. Rejects with the system's error.
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

/** Creates the first free segment by `create`, which rejects with `EEXIST` where somebody else has taken the name meanwhile. */
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

/** No window is opened so often that its names reach this number. */
const beyondAll = 1000;

async function mergedNames(dataDir: string, segment: Segment): Promise<ReadonlySet<string> | "unknown"> {
  try {
    const manifest = JSON.parse(await readFile(manifestPath(dataDir, segment), "utf8")) as { segments?: string[] };
    return new Set(manifest.segments ?? []);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return new Set();
    // A manifest that somebody has damaged must not keep us from recording.
    if (error instanceof SyntaxError) return "unknown";
    throw error;
  }
}

/** Whether there is something of this name; rejects if the file system does not say. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // ENOTDIR: somebody has put a file in the place of a folder.
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw error;
  }
}
