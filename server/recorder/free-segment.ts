import { existsSync, readFileSync } from "node:fs";
import { manifestPath, type Segment, segmentName, segmentPath } from "../segment.ts";

/**
 * The segment with its name counted on until nothing has it: no open file, no sealed one, no archive that was made of it.
 * A name is never used twice, since the day's manifest lists what has been merged by name.
 */
export function freeSegment(dataDir: string, segment: Segment): Segment {
  const merged = mergedNames(dataDir, segment);
  for (let n = 1; ; n++) {
    const candidate = { ...segment, name: segmentName(segment.name, n) };
    const taken = (["open", "sealed"] as const).some((state) => existsSync(segmentPath(dataDir, candidate, state)));
    if (!taken && !merged.has(candidate.name)) return candidate;
  }
}

function mergedNames(dataDir: string, segment: Segment): ReadonlySet<string> {
  const path = manifestPath(dataDir, segment);
  if (!existsSync(path)) return new Set();
  const manifest = JSON.parse(readFileSync(path, "utf8")) as { segments?: string[] };
  return new Set(manifest.segments ?? []);
}
