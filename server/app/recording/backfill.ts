import type { MissingTrades, PendingBackfill } from "../../binance/rest/backfill-queue.ts";
import { createDepthSnapshots, type DepthSnapshots } from "../../binance/rest/depth-snapshots.ts";
import type { RestClient } from "../../binance/rest/rest-client.ts";
import { createTradeBackfill } from "../../binance/rest/trade-backfill.ts";
import { type Day, dateOf, dayUs, type Segment } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import type { StoredBackfill } from "../../domain/missing-ids.ts";
import { createStream, type Stream, type StreamFolder, streamTypeOfFolder } from "../../domain/stream.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Log } from "../../platform/log/log.ts";
import { createBackfillWriter } from "../../recorder/backfill/backfill-writer.ts";
import { firstRecordedId, lastRecordedId } from "../../recorder/backfill/boundary-ids.ts";
import { createIdFiles } from "../../recorder/backfill/id-files.ts";
import { joinedRuns } from "../../recorder/backfill/id-runs.ts";
import { recordedIds } from "../../recorder/backfill/recorded-ids.ts";
import { idsOutside } from "../../storage/ids/id-ranges.ts";
import { readLineBytes } from "../../storage/read/archive-reader.ts";

/** What is put right over REST: trades that were missed, and the books that diffs are joined to. */
export type Backfill = {
  start(): void;
  /** Trades that the ids prove to be missing. */
  refetch(hole: MissingTrades): void;
  /** Ids of a stream that were told to be missing are not. */
  withdraw(stream: Stream, hole: { readonly fromId: number; readonly toId: number }): void;
  /**
   * Nobody had run until `resumedUs`: finds the last trade before it on disk and, unless `firstId` is given, the first one after it, and
   * refetches what lies between. Resolves with how many are missing; null where one of the two is not there, or the ids have begun anew.
   */
  catchUp(pause: Pause): Promise<number | null>;
  /** A diff stream has a hole: its book is wanted anew. */
  wantBook(symbol: string): void;
  setStreams(streams: readonly Stream[]): void;
  /** Records refetched since the start. */
  refetched(): number;
  /** `holes` that are being looked into or refetched. */
  status(): { readonly holes: number; readonly lastProblem: string | null };
  /** Resolves when all that was fetched is on disk; what is left is done after the next start. Idempotent. */
  stop(): Promise<void>;
};

/** A time in which nobody ran, of one trade stream. `firstId`: the first id after it, or null. */
export type Pause = {
  readonly gap: Gap;
  readonly stream: Stream;
  readonly resumedUs: number;
  readonly firstId: number | null;
  /** Called before anything is refetched: a repair is only counted in a gap whose missing records are known. */
  readonly onJudged?: (missing: number) => void;
};

export type BackfillDeps = {
  readonly rest: RestClient;
  readonly journal: Pick<Journal, "holes" | "addBackfilled" | "gapsOfStream">;
  readonly nowUs: () => number;
  /** First `U` of the symbol's diffs since its newest hole, or null. */
  readonly firstDiffId: (symbol: string) => number | null;
  /** Resolves when what was received of the stream is on disk, as far as the disk takes it. */
  readonly flushed: (stream: Stream) => Promise<void>;
  readonly onSnapshot: (stream: Stream, payload: string, recvUs: number) => void;
  readonly onClosed: (segment: Segment) => void;
  /** A day that was over has got more records. */
  readonly onLate: (day: Day) => void;
  readonly log: Log;
};

/** Trades of a longer pause are not refetched, µs. */
const longestPauseUs = 31 * dayUs;

/** No pause is so long that more trades than this were made in it: another numbering, a relisting say. */
const mostMissing = 100_000_000;

/** Connects REST, the writer of refetched trades and the journal. */
export function createBackfill(
  options: { dataDir: string; segmentMinutes: number; streams: readonly Stream[] },
  deps: BackfillDeps,
): Backfill {
  const { dataDir, segmentMinutes } = options;
  const { rest, journal, log } = deps;
  let refetched = 0;
  /** Pauses that are being looked into. */
  let pauses = 0;
  let looking: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | null = null;
  const readLines = readLineBytes;
  const files = createIdFiles(dataDir, { readLines, nowUs: deps.nowUs, wrongDates });
  const { onClosed, flushed } = deps;

  /** Dates that a clock may have shown while it was wrong: a kill may leave no trace of its step but the gaps that it stamped. */
  function wrongDates({ type, symbol }: Stream): readonly string[] {
    return journal.gapsOfStream(type.folder, symbol).flatMap(({ from_us, to_us }) => [dateOf(from_us), dateOf(to_us)]);
  }

  const writer = createBackfillWriter({ dataDir, segmentMinutes }, { readLines, files, flushed, onClosed });
  const trades = createTradeBackfill({
    ...{ rest, log },
    onPage: writer.write,
    onDone(hole, { fetched }) {
      refetched += fetched;
      return finish(hole, fetched);
    },
    store: {
      save: (hole) => journal.holes.save(storedOf(hole)),
      remove: (hole) => journal.holes.remove({ ...keyOf(hole.stream), fromId: hole.fromId }),
    },
  });
  const books: DepthSnapshots = createDepthSnapshots({ symbols: diffSymbols(options.streams) }, deps);

  /** The gap knows of its repair before the day is merged again, so that the manifest does. */
  async function finish(hole: MissingTrades, fetched: number): Promise<void> {
    journal.addBackfilled({ ...keyOf(hole.stream), from_us: hole.fromUs }, fetched);
    for (const day of await writer.finish(hole.stream)) deps.onLate(day);
  }

  async function find({ gap, stream, resumedUs, onJudged, ...known }: Pause): Promise<number | null> {
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
    if (last === "anew" || (before !== null && firstId - before > mostMissing)) {
      const ids = { stream: stream.name, before, after: firstId };
      log.warn("the exchange has counted this stream anew while nobody ran; what was missed cannot be told", ids);
      return null;
    }
    if (before === null) return null;
    if (toUs - fromUs > longestPauseUs) {
      const days = Math.round((toUs - fromUs) / dayUs);
      log.warn("the pause is too long for its trades to be refetched; the gap stays", { stream: stream.name, days });
      onJudged?.(firstId - before - 1);
      return firstId - before - 1;
    }
    const range = { first: before + 1, last: firstId - 1 };
    const absent = idsOutside(range, (await recordedIds(files, stream, range, { readLines })).all());
    const missing = absent.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    onJudged?.(missing);
    for (const { first: fromId, last: toId } of joinedRuns(absent))
      trades.add({ stream, fromId, toId, fromUs, toUs, cause });
    return missing;
  }

  return {
    start() {
      for (const hole of journal.holes.all()) {
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
      const found = looking.then(() => find(pause));
      pauses++;
      looking = found
        .catch(() => {})
        .finally(() => {
          pauses--;
        });
      return found;
    },
    wantBook: books.request,
    setStreams: (streams) => books.setSymbols(diffSymbols(streams)),
    refetched: () => refetched,
    status: () => ({ holes: trades.status().holes + pauses, lastProblem: trades.status().lastProblem }),
    stop() {
      stopped ??= (async () => {
        books.stop();
        await looking;
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
