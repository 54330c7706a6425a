import { archivePath } from "../segment.ts";
import type { DayJob, DayResult } from "./day-job.ts";
import { mergeDay } from "./merge-day.ts";
import { serveJobs } from "./worker-protocol.ts";

serveJobs<DayJob, DayResult>({
  operation: "merge",
  niceness: 15,
  pathOf: (job) => archivePath(job.dataDir, job.day),
  prepare: async () => mergeDay,
});
