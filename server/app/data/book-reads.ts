import { createWorkerPool } from "../../archive/workers/worker-pool.ts";
import type { BookAtInstant } from "../../domain/book/book-at-instant.ts";
import { type Day, dateOf, dayUs } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { History } from "../../domain/queries.ts";
import { foldersOf, hasLevels } from "../../domain/stream-kinds.ts";
import type { Log } from "../../platform/log/log.ts";
import { startBookWorker } from "../../workers.ts";
import type { BookJob } from "./book-job.ts";

/** Most requests that wait for the worker or run. */
const mostAtOnce = 8;
/** A worker without a message for this long is considered dead, ms. Reading a day of a busy symbol takes seconds. */
const silentMs = 60_000;

/** Answers which book a symbol had, in one worker of low priority, so that recording is never slowed. */
export function createBookReads(parts: {
  readonly dataDir: string;
  readonly gapsOf: (day: Day) => readonly Gap[];
  readonly log: Log;
}): { readonly bookAt: History["bookAt"]; stop(): void } {
  const { dataDir } = parts;
  const pool = createWorkerPool<BookJob, BookAtInstant>(
    { operation: "read the book", size: 1, silentMs, pathOf: (job) => job.dataDir },
    startBookWorker,
  );
  return {
    async bookAt(request) {
      if (pool.size() >= mostAtOnce) return "busy";
      const dates = [request.atUs - dayUs, request.atUs].map(dateOf);
      const gaps = foldersOf(hasLevels).flatMap((stream) =>
        dates.flatMap((date) => parts.gapsOf({ stream, symbol: request.symbol, date })),
      );
      const outcome = await pool.run({ ...request, dataDir, gaps });
      if (outcome.kind === "done") return outcome.result;
      if (outcome.kind === "failed")
        parts.log.warn("cannot read the book of an instant", {
          symbol: request.symbol,
          reason: outcome.failure.message,
        });
      return "failed";
    },
    stop: () => void pool.stop(),
  };
}
