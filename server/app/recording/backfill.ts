import type { MissingTrades, PendingBackfill } from "../../binance/rest/backfill-queue.ts";
import { createDepthSnapshots, type DepthSnapshots } from "../../binance/rest/depth-snapshots.ts";
import type { RestClient } from "../../binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../binance/rest/trade-backfill.ts";
import { type Day, dateOf, dayUs, type Segment } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { isNewNumbering } from "../../domain/ids/id-order.ts";
import { idsOutside } from "../../domain/ids/id-ranges.ts";
import type { StoredBackfill } from "../../domain/missing-ids.ts";
import { createStream, type Stream, type StreamFolder, streamTypeOfFolder } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Log } from "../../platform/log/log.ts";
import { createBackfillWriter } from "../../recorder/backfill/backfill-writer.ts";
import { firstRecordedId, lastRecordedId } from "../../recorder/backfill/boundary-ids.ts";
import { createIdFiles } from "../../recorder/backfill/id-files.ts";
import { joinedRuns } from "../../recorder/backfill/id-runs.ts";
import { recordedIds } from "../../recorder/backfill/recorded-ids.ts";
import type { UsedNames } from "../../recorder/write/free-segment-name.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";

/** Fetches missing trades over REST, and the order book snapshots that diffs are applied to. */
export type Backfill = {
  start(): void;
  /** Requests trades that their ids prove to be missing. */
  refetch(missing: MissingTrades): void;
  /** Withdraws ids of a stream that were reported missing and have arrived after all. */
  withdraw(stream: Stream, ids: { readonly fromId: number; readonly toId: number }): void;
  /**
   * Backfills a pause that ended at `resumedUs`. Finds the last trade on disk before the pause and, unless `firstId` is given, the
   * first trade after it; requests the trades in between. Resolves with the number of missing trades; null if either
   * trade is unknown or the ids have restarted.
   */
  catchUp(pause: Pause): Promise<number | null>;
  /** Requests a new order book snapshot after a gap in a diff stream. */
  wantBook(symbol: string): void;
  setStreams(streams: readonly Stream[]): void;
  /** Returns the number of trades fetched since the start. */
  fetchedTrades(): number;
  /** `holes`: number of pauses and id ranges that are being examined or fetched. */
  status(): { readonly holes: number; readonly lastProblem: string | null };
  /** Resolves when all fetched trades are on disk. Remaining ranges are fetched after the next start. Idempotent. */
  stop(): Promise<void>;
};

/** A time in which a trade stream was not recorded. `firstId`: the first id after it; null if it must be read from disk. */
export type Pause = {
  readonly gap: Gap;
  readonly stream: Stream;
  readonly resumedUs: number;
  readonly firstId: number | null;
  /** Called with the number of missing trades before the fetch: a gap only counts fetched trades once this number is known. */
  readonly onJudged?: (missing: number) => void;
};

export type BackfillDeps = {
  readonly rest: RestClient;
  readonly journal: Pick<Journal, "backfills" | "addBackfilled" | "gapsOfStream">;
  readonly nowUs: () => number;
  /** Returns the first `U` of the symbol's diffs since its newest gap, or null. */
  readonly firstDiffId: (symbol: string) => number | null;
  /** Resolves when all received records of the stream are on disk, or the disk has rejected them. */
  readonly flushed: (stream: Stream) => Promise<void>;
  readonly onSnapshot: (stream: Stream, payload: string, recvUs: number) => void;
  readonly onClosed: (segment: Segment) => void;
  /** Called when a past day has new records. */
  readonly onLate: (day: Day) => void;
  readonly log: Log;
};

/** Trades of a longer pause are not fetched, µs. */
const longestPauseUs = 31 * dayUs;

/** Connects the REST client, the writer of fetched trades and the journal. */
export function createBackfill(
  options: { dataDir: string; segmentMinutes: number; streams: readonly Stream[]; usedNames: UsedNames },
  deps: BackfillDeps,
): Backfill {
  const { dataDir } = options;
  const { rest, journal, log } = deps;
  let fetchedTrades = 0;
  /** Number of pauses that are being examined. */
  let pauses = 0;
  let lastSearch: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | null = null;
  const readLines = readLineBytes;
  const files = createIdFiles(dataDir, { readLines, nowUs: deps.nowUs, wrongDates });
  const { onClosed, flushed } = deps;

  /** Returns dates that the clock may have shown while it was wrong: a kill may leave no trace of its step but the gaps that it stamped. */
  function wrongDates({ type, symbol }: Stream): readonly string[] {
    return journal.gapsOfStream(type.folder, symbol).flatMap(({ from_us, to_us }) => [dateOf(from_us), dateOf(to_us)]);
  }

  const writer = createBackfillWriter(options, { readLines, files, flushed, onClosed });
  const trades = createTradeBackfill({
    ...{ rest, log },
    onPage: writer.write,
    onDone(hole, { fetched }) {
      fetchedTrades += fetched;
      return finish(hole, fetched);
    },
    store: {
      save: (hole) => journal.backfills.save(storedOf(hole)),
      remove: (hole) => journal.backfills.remove({ ...keyOf(hole.stream), fromId: hole.fromId }),
    },
  });
  const books: DepthSnapshots = createDepthSnapshots({ symbols: diffSymbols(options.streams) }, deps);

  /** Counts the trades in their gap before the day is merged again, so that the new manifest has the count. */
  async function finish(hole: MissingTrades, fetched: number): Promise<void> {
    journal.addBackfilled({ ...keyOf(hole.stream), from_us: hole.fromUs }, fetched);
    for (const day of await writer.finish(hole.stream)) deps.onLate(day);
  }

  async function examinePause({ gap, stream, resumedUs, onJudged, ...known }: Pause): Promise<number | null> {
    if (stopped !== null) return null;
    await flushed(stream);
    const firstId = known.firstId ?? (await firstRecordedId(dataDir, stream, { fromUs: resumedUs, readLines }));
    if (firstId === null) return null;
    const last = await lastRecordedId(files, stream, {
      belowId: firstId,
      sinceUs: resumedUs,
      untilUs: deps.nowUs(),
      readLines,
    });
    const { from_us: fromUs, to_us: toUs, cause } = gap;
    const before = last === null || last === "anew" ? null : last.id;
    if (last === "anew" || (before !== null && isNewNumbering(before, firstId))) {
      const ids = { stream: stream.name, before, after: firstId };
      log.warn("the exchange restarted this stream's ids during the pause; the missing trades are unknown", ids);
      return null;
    }
    if (before === null) return null;
    if (toUs - fromUs > longestPauseUs) {
      const days = Math.round((toUs - fromUs) / dayUs);
      log.warn("the pause is too long for a backfill; the gap stays", { stream: stream.name, days });
      onJudged?.(firstId - before - 1);
      return firstId - before - 1;
    }
    const range = { first: before + 1, last: firstId - 1 };
    const absent = idsOutside(range, (await recordedIds(files, stream, range, { readLines })).all());
    const missing = absent.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    for (const { first: fromId, last: toId } of joinedRuns(absent))
      trades.add({ stream, fromId, toId, fromUs, toUs, cause });
    // Last: once the gap has its number, no later run looks for missing ids.
    onJudged?.(missing);
    return missing;
  }

  return {
    start() {
      for (const hole of journal.backfills.all()) {
        const type = streamTypeOfFolder(hole.stream);
        if (type !== null) trades.add({ ...hole, stream: createStream(hole.symbol, type) });
      }
      trades.start();
      books.start();
    },
    refetch: trades.add,
    withdraw(stream, { fromId, toId }) {
      for (const { fromUs, count } of trades.withdraw(stream, fromId, toId))
        journal.addBackfilled({ ...keyOf(stream), from_us: fromUs }, count);
    },
    catchUp(pause) {
      const missing = lastSearch.then(() => examinePause(pause));
      pauses++;
      lastSearch = missing
        .catch(() => {})
        .finally(() => {
          pauses--;
        });
      return missing;
    },
    wantBook: books.request,
    setStreams: (streams) => books.setSymbols(diffSymbols(streams)),
    fetchedTrades: () => fetchedTrades,
    status: () => ({ holes: trades.status().holes + pauses, lastProblem: trades.status().lastProblem }),
    stop() {
      stopped ??= (async () => {
        books.stop();
        await lastSearch;
        await trades.stop();
        await writer.stop();
      })();
      return stopped;
    },
  };
}

function diffSymbols(streams: readonly Stream[]): readonly string[] {
  return streams.filter(({ type }) => type.kind === "diffDepth").map(({ symbol }) => symbol);
}

function keyOf({ type, symbol }: Stream): { stream: StreamFolder; symbol: string } {
  return { stream: type.folder, symbol };
}

function storedOf({ stream, ...hole }: PendingBackfill): StoredBackfill {
  return { ...hole, ...keyOf(stream) };
}
