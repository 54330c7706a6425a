import { archivePath } from "../segment.ts";
import type { DayJob, DayResult } from "./day-job.ts";
import { mergeDay } from "./merge-day.ts";
import { uniteArchives } from "./unite-archives.ts";
import type { UniteJob, UniteResult } from "./unite-job.ts";
import { serveJobs } from "./worker-protocol.ts";

serveJobs<DayJob | UniteJob, DayResult | UniteResult>({
  operation: "merge",
  niceness: 15,
  pathOf: (job) => archivePath(job.dataDir, job.day),
  prepare: async () => (job, alive) => ("kind" in job ? uniteArchives(job, alive) : mergeDay(job, alive)),
});
