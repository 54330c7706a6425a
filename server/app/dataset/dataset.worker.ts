import { serveJobs } from "../../archive/workers/worker-protocol.ts";
import type { DatasetResult, RunDatasetJob } from "../../dataset/dataset-jobs.ts";
import { datasetFolder } from "../../dataset/dataset-paths.ts";
import { createDatasetWork, type DatasetOrder } from "./dataset-order.ts";

/** Shortest time between two signs of life, ms. */
const aliveEveryMs = 1000;

serveJobs<DatasetOrder, DatasetResult>({
  operation: "write",
  niceness: 19,
  pathOf: ({ settings }) => datasetFolder(settings.dataDir),
  async prepare() {
    const { signal: stop } = new AbortController();
    let run: RunDatasetJob | null = null;
    let saidMs = 0;
    return ({ job, settings }, link) => {
      const onProgress = () => {
        if (performance.now() - saidMs < aliveEveryMs) return;
        saidMs = performance.now();
        link.alive();
      };
      run ??= createDatasetWork(settings, { stop, onProgress, maySend: link.maySend });
      return run(job);
    };
  },
});
