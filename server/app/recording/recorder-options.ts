import type { Config } from "../../config/config.ts";
import { descriptorLimit, descriptorsInUse } from "../../platform/files/descriptors.ts";
import type { Log } from "../../platform/log/log.ts";
import { createUsedNames, type UsedNames } from "../../recorder/write/free-segment-name.ts";
import type { RecorderOptions } from "../../recorder/write/recorder.ts";
import { limitProblem, mostOpenSegments } from "../../storage/descriptor-need.ts";

/** Returns the options of the recorder and of the backfill, which name segments in the same folders. Logs a warning if this process may not open enough files for all streams. */
export function recorderOptions(
  config: Config,
  dataDir: string,
  streams: number,
  log: Log,
): RecorderOptions & { readonly usedNames: UsedNames } {
  const { segment_minutes, sync, flush_records, flush_ms } = config.record;
  return {
    ...{ dataDir, segmentMinutes: segment_minutes, sync, flushRecords: flush_records, flushMs: flush_ms },
    mostOpen: roomForSegments(streams, log),
    usedNames: createUsedNames(),
  };
}

/** Returns the number of segments that may be open at once. Logs a warning if the process limit is too low. */
function roomForSegments(streams: number, log: Log): number {
  const limit = descriptorLimit();
  const finding = limitProblem(limit, streams);
  if (finding !== null)
    log.warn(`${finding.problem}; some streams will wait in memory and lose records. ${finding.advice}`);
  return mostOpenSegments(limit, descriptorsInUse());
}
