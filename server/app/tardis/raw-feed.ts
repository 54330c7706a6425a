import { createWorkerPool, type WorkerPool } from "../../archive/workers/worker-pool.ts";
import type { History } from "../../domain/queries.ts";
import { rawChannels } from "../../export/tardis/raw-message.ts";
import type { RawFeed } from "../../http/routes/tardis-routes.ts";
import type { Log } from "../../platform/log/log.ts";
import { datesOnDisk } from "../../storage/list/listing.ts";
import { startTardisWorker } from "../../workers.ts";
import { type RawMinute, type RawResult, recordedSymbols } from "./raw-replay.ts";

/** Most minutes that wait; a client asks for 60 at once. */
const mostWaiting = 300;
const minuteUs = 60_000_000;
/** Most gaps of a minute that are asked for. */
const mostGaps = 1000;

/** Serves minutes of the recording by one worker of low priority. */
export function createRawFeed(
  { dataDir }: { readonly dataDir: string },
  {
    history,
    log,
    startWorker = startTardisWorker,
  }: {
    readonly history: Pick<History, "gaps">;
    readonly log: Log;
    readonly startWorker?: () => Worker;
  },
): RawFeed {
  let pool: WorkerPool<RawMinute, RawResult> | null = null;
  const streams = Object.values(rawChannels).filter((stream) => stream !== null);
  return {
    channels: Object.keys(rawChannels),
    async minute({ fromUs, isFirst, filters }) {
      pool ??= createWorkerPool({ operation: "replay", size: 1, idleMs: 30_000, pathOf: () => dataDir }, startWorker);
      if (pool.size() >= mostWaiting) return { kind: "busy" };
      const span = { fromUs, toUs: fromUs + minuteUs };
      const gaps = history.gaps({ stream: null, symbol: null, cause: null, ...span }, mostGaps, null).items;
      const outcome = await pool.run({ dataDir, fromUs, isFirst, filters, gaps });
      if (outcome.kind === "failed") log.error("cannot read a minute for the raw data API", { ...outcome.failure });
      if (outcome.kind !== "done") return { kind: "failed" };
      const { result } = outcome;
      if (result.kind === "damaged")
        log.error("a damaged source is withheld from the raw data API", { path: result.path, reason: result.problem });
      return result.kind === "damaged" ? { kind: "damaged" } : result;
    },
    symbols() {
      const since = new Map<string, string>();
      for (const stream of streams)
        for (const symbol of recordedSymbols(dataDir, stream)) {
          const [first] = datesOnDisk(dataDir, { stream, symbol });
          const known = since.get(symbol);
          if (first !== undefined && (known === undefined || first < known)) since.set(symbol, first);
        }
      return [...since]
        .map(([symbol, date]) => ({ symbol, since: date }))
        .sort((a, b) => (a.symbol < b.symbol ? -1 : 1));
    },
    async stop() {
      const stopping = pool;
      pool = null;
      await stopping?.stop();
    },
  };
}
