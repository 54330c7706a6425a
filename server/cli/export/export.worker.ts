import { serveJobs } from "../../archive/workers/worker-protocol.ts";
import { OperatorError } from "../../platform/errors.ts";
import { explain } from "../../platform/system-errors.ts";
import { createSourceCheck } from "../../storage/read/source-check.ts";
import { boardOf, type DayOrder, type DayReport } from "./export-days.ts";
import { exportOne } from "./export-job.ts";

/** Interval at which a stop is noticed, ms. */
const lookEveryMs = 50;

serveJobs<DayOrder, DayReport>({
  operation: "export",
  niceness: 15,
  pathOf: ({ job }) => job.path,
  async prepare() {
    return async ({ job, settings, board, at }, link) => {
      const { isStopped, setShare } = boardOf(board);
      const stop = new AbortController();
      const look = () => {
        if (isStopped()) stop.abort();
        link.alive();
      };
      look();
      const timer = setInterval(look, lookEveryMs);
      const damages: (readonly [path: string, problem: string])[] = [];
      try {
        const result = await exportOne(job, settings, {
          check: createSourceCheck(stop.signal),
          // The order brings the gaps along.
          gapsOf: () => null,
          onDamage: (path, problem) => void damages.push([path, problem]),
          onProgress: (share) => setShare(at, share),
          stop: stop.signal,
        });
        return { damages, outcome: result };
      } catch (error) {
        const isForOperator = error instanceof OperatorError;
        return { damages, outcome: { kind: "failed", message: explain(error), isForOperator } };
      } finally {
        clearInterval(timer);
        setShare(at, 1);
      }
    };
  },
});
