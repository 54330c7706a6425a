import { segmentPath } from "../segment.ts";
import { type SealJob, type SealResult, sealSegment } from "./seal-segment.ts";
import { serveJobs } from "./worker-protocol.ts";
import { loadZstd } from "./zstd-wasm.ts";

serveJobs<SealJob, SealResult>({
  operation: "seal",
  niceness: 5,
  pathOf: (job) => segmentPath(job.dataDir, job.segment, "open"),
  async prepare() {
    const compress = await loadZstd();
    return (job) => sealSegment(job, compress);
  },
});
