import { archivePath } from "../../domain/day.ts";
import { combineArchives } from "../combine/combine-archives.ts";
import type { CombineJob, CombineResult } from "../combine/combine-job.ts";
import { mergeAndProve } from "../verify/merge-and-prove.ts";
import { serveJobs } from "../workers/worker-protocol.ts";
import type { DayJob, DayResult } from "./write-archive.ts";

serveJobs<DayJob | CombineJob, DayResult | CombineResult>({
  operation: "merge",
  niceness: 15,
  pathOf: (job) => archivePath(job.dataDir, job.day),
  prepare:
    async () =>
    (job, { alive }) =>
      "kind" in job ? combineArchives(job, alive) : mergeAndProve(job, alive),
});
