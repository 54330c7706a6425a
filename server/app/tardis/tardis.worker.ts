import { serveJobs } from "../../archive/workers/worker-protocol.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import { createRawReplay, type RawMinute, type RawResult } from "./raw-replay.ts";

serveJobs<RawMinute, RawResult>({
  operation: "read a minute of",
  niceness: 15,
  pathOf: ({ dataDir }) => dataDir,
  prepare: async () => {
    let alive = () => {};
    const replay = createRawReplay(createSourceCheck(), () => alive());
    return (job, link) => {
      alive = link.alive;
      return replay(job);
    };
  },
});
