import type { Config } from "../../config/config.ts";
import { descriptorLimit, descriptorsInUse } from "../../platform/files/descriptors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { RecorderOptions } from "../../recorder/write/recorder.ts";
import { limitProblem, mostOpenSegments } from "../../storage/descriptor-need.ts";

/** How a config of so many streams is recorded; says so if this process may not open enough files for them. */
export function recorderOptions(config: Config, dataDir: string, streams: number, log: Log): RecorderOptions {
  const { segment_minutes, sync, flush_records, flush_ms } = config.record;
  return {
    ...{ dataDir, segmentMinutes: segment_minutes, sync, flushRecords: flush_records, flushMs: flush_ms },
    mostOpen: roomForSegments(streams, log),
  };
}

/** Segments that may be open at once under the limit of this process; says so if that is too few. */
function roomForSegments(streams: number, log: Log): number {
  const limit = descriptorLimit();
  const found = limitProblem(limit, streams);
  if (found !== null) log.warn(`${found.problem}; some streams will wait in memory and lose records. ${found.advice}`);
  return mostOpenSegments(limit, descriptorsInUse());
}
