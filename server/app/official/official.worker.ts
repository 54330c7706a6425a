import { serveJobs } from "../../archive/workers/worker-protocol.ts";
import { archivePath } from "../../domain/day.ts";
import { type OfficialJob, type OfficialResult, runOfficialJob } from "./official-job.ts";

serveJobs<OfficialJob, OfficialResult | null>({
  operation: "compare with Binance's file",
  niceness: 19,
  pathOf: ({ dataDir, day }) => archivePath(dataDir, day),
  prepare: async () => (job, link) => runOfficialJob(job, { alive: link.alive, mayReceive: link.maySend }),
});
