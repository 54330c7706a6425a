import { join } from "node:path";
import type { TimeSpan } from "../../domain/coverage/coverage.ts";
import type { Day, Segment } from "../../domain/day.ts";
import { createStream, streamTypeOfFolder } from "../../domain/stream.ts";
import { checkDay, type OfficialCheck } from "../../official/check-day.ts";
import { officialKind, restPayload } from "../../official/official-file.ts";
import { createBackfillWriter } from "../../recorder/backfill/backfill-writer.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";

/** A day to compare with Binance's file. `gaps`: those for which backfilled trades are counted. */
export type OfficialJob = {
  readonly dataDir: string;
  readonly baseUrl: string;
  readonly segmentMinutes: number;
  readonly day: Day;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly gaps: readonly TimeSpan[];
};

/** The result, with the segments of backfilled trades, and how many of these lie in each gap. */
export type OfficialResult = {
  readonly check: OfficialCheck;
  readonly segments: readonly Segment[];
  readonly backfilled: number;
  readonly backfilledIn: readonly number[];
};

/** Folder of the data folder for files that are being compared. */
export function officialFolder(dataDir: string): string {
  return join(dataDir, "official");
}

/**
 * Compares a day, and writes the trades that are missing as segments, in the form of trades fetched over REST. Each segment is complete
 * and synced. If it is cut off, trades that are on disk are left out the next time.
 */
export async function runOfficialJob(
  job: OfficialJob,
  link: { readonly alive: () => void; readonly mayReceive: (bytes: number) => Promise<void> },
): Promise<OfficialResult | null> {
  const { dataDir, day } = job;
  const [kind, type] = [officialKind(day.stream), streamTypeOfFolder(day.stream)];
  if (kind === null || type === null) return null;
  const stream = createStream(day.symbol, type);
  const segments: Segment[] = [];
  const backfilledIn = job.gaps.map(() => 0);
  let backfilled = 0;
  const onClosed = (segment: Segment) => void segments.push(segment);
  const writer = createBackfillWriter(job, { readLines: readLineBytes, onClosed });
  const heartbeat = setInterval(link.alive, 1000);
  try {
    const check = await checkDay(day, {
      ...job,
      folder: officialFolder(dataDir),
      limit: { acquire: link.mayReceive },
      signal: new AbortController().signal,
      async onMissing(trades, page) {
        const records = trades.map((trade) => ({
          payload: restPayload(kind, trade),
          id: trade.id,
          // As over REST, which sends ms: the time of the trade stands for its receipt.
          tradeUs: Math.floor(trade.timeUs / 1000) * 1000,
        }));
        const { written } = await writer.write(stream, records, page);
        backfilled += written;
        // Trades that an earlier attempt has written were counted then.
        if (written < records.length) return;
        for (const [n, { fromUs, toUs }] of job.gaps.entries())
          backfilledIn[n] =
            (backfilledIn[n] ?? 0) + records.filter(({ tradeUs: us }) => us >= fromUs && us < toUs).length;
      },
    });
    await writer.stop();
    return check === null ? null : { check, segments, backfilled, backfilledIn };
  } finally {
    clearInterval(heartbeat);
    await writer.stop();
  }
}
