import { segmentPath } from "../../domain/day.ts";
import { loadZstd } from "../../storage/zstd/zstd-wasm.ts";
import { serveJobs } from "../workers/worker-protocol.ts";
import { type SealJob, type SealResult, sealSegment } from "./seal-segment.ts";

serveJobs<SealJob, SealResult>({
  operation: "seal",
  niceness: 5,
  pathOf: (job) => segmentPath(job.dataDir, job.segment, "open"),
  async prepare() {
    const compress = await loadZstd();
    return (job) => sealSegment(job, compress);
  },
});
