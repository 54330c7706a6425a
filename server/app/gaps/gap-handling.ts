import type { FeedGap } from "../../binance/gaps/feed-events.ts";
import { type Day, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, clipGap, type Gap, type GapCause } from "../../domain/gap.ts";
import { createStream, type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { backoff } from "../../platform/time/backoff.ts";
import type { Loss } from "../../recorder/tamper/written-bytes.ts";
import type { GapLedger } from "../../recorder/write/gap-ledger.ts";
import { type ManifestGap, readManifest } from "../../storage/manifest.ts";
import type { Backfill, Pause } from "../recording/backfill.ts";
import type { TimedGaps } from "./timed-gaps.ts";

/** Records the gaps of the feed and requests backfills and order books for them. */
export type GapIntake = {
  add(gaps: readonly FeedGap[]): void;
  /** Records a loss on disk. Lost trades are backfilled as soon as a later record exists. */
  lose(stream: Stream, loss: Loss): void;
  /** Finds the missing trades in gaps of earlier runs that were not searched for missing trades before the end of their run, and backfills them. */
  examineEarlierGaps(): void;
};

/** Delays before the attempts, ms. Usually the next record comes within a second. The last attempt follows after 17 minutes. */
const attemptMs = { first: 2000, longest: 512_000 };
const mostAttempts = 8;

/**
 * Creates the intake. `firstIds` holds, per trade stream, the first id of this run; per diff stream, the first `U` since the newest
 * gap (removed at each gap).
 */
export function createGapIntake(deps: {
  ledger: GapLedger;
  repair: Backfill;
  firstIds: Map<Stream, number>;
  /** Start of this run, µs. Earlier receipts belong to earlier runs. */
  startedUs: number;
  journal: Pick<Journal, "gapsSince" | "runs" | "backfills">;
  /** Calls `write` once a confirmed clock knows the end of the gap. */
  hold: TimedGaps["hold"];
  log: Log;
}): GapIntake {
  const { ledger, repair, firstIds, log } = deps;

  function logGaps(gaps: readonly FeedGap[]): void {
    const [first] = gaps;
    const longestUs = Math.max(...gaps.map(({ fromUs, toUs }) => toUs - fromUs));
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
    const seconds = Math.round(longestUs / 1e5) / 10;
    const names = gaps.length === 1 ? first?.stream.name : undefined;
    log.warn("a gap was recorded", { cause: first?.cause, seconds, streams: gaps.length, stream: names, missing });
  }

  /** Backfills the trades between the last record on disk and the first record after the pause. */
  async function catchUp(pause: Pause): Promise<void> {
    try {
      await repair.catchUp({
        ...pause,
        onJudged(missing) {
          ledger.update([{ ...pause.gap, missing }]);
          ledger.foundMissing(pause.gap.cause, missing);
        },
      });
    } catch (error) {
      const fields = { stream: pause.stream.name, reason: messageOf(error) };
      log.warn("cannot find the last recorded trade; the gap stays as it is", fields);
    }
  }

  /** Backfills lost trades. Retries up to `mostAttempts` times, as the trades before or after the gap may not be recorded yet. */
  function backfillLater(stream: Stream, gap: Gap, attempt: number): void {
    const onJudged = (missing: number) => ledger.update([{ ...gap, missing }]);
    const retry = (missing: number | null) => {
      if (missing === null && attempt < mostAttempts) backfillLater(stream, gap, attempt + 1);
    };
    const logError = (error: unknown) => {
      log.warn("cannot find which trades were lost; the gap stays", { stream: stream.name, reason: messageOf(error) });
    };
    const waitMs = backoff(attemptMs, attempt);
    setTimeout(() => {
      repair.catchUp({ gap, stream, resumedUs: gap.to_us, firstId: null, onJudged }).then(retry, logError);
    }, waitMs).unref();
  }

  return {
    lose(stream, { fromUs, toUs, records }) {
      const gap = gapOf({ stream, fromUs, toUs, cause: "disk", missing: records, holes: [] });
      ledger.add([gap]);
      if (stream.type.kind === "diffDepth") repair.wantBook(stream.symbol);
      if (isNumbered(stream.type.kind)) backfillLater(stream, gap, 0);
    },
    add(newGaps) {
      const pauses = newGaps.filter(({ cause }) => isPause(cause));
      const feedGaps = newGaps.filter((gap) => !pauses.includes(gap));
      ledger.add(feedGaps.map(gapOf));
      if (feedGaps.length > 0) logGaps(feedGaps);
      for (const { stream, fromUs, toUs, cause, holes, missing } of newGaps) {
        for (const { fromId, toId } of holes) repair.refetch({ stream, fromId, toId, fromUs, toUs, cause });
        if (stream.type.kind !== "diffDepth" || missing === 0) continue;
        firstIds.delete(stream);
        repair.wantBook(stream.symbol);
      }
      for (const { stream, ...rest } of pauses) {
        const firstId = firstIds.get(stream);
        const isLeftOut = rest.cause === "not_configured";
        deps.hold(gapOf({ stream, ...rest }), (gap) => {
          ledger.update([gap]);
          const resumedUs = isLeftOut ? gap.to_us : deps.startedUs;
          if (!isNumbered(stream.type.kind)) return;
          if (firstId !== undefined) void catchUp({ gap, stream, resumedUs, firstId });
          // No trade has come since: wait for the first.
          else if (isLeftOut) backfillLater(stream, gap, 0);
        });
      }
    },
    examineEarlierGaps() {
      for (const { gap, resumedUs } of unsearchedGaps(deps.journal)) {
        const type = streamTypeOfFolder(gap.stream);
        if (type === null || resumedUs >= deps.startedUs) continue;
        void catchUp({ gap, stream: createStream(gap.symbol, type), resumedUs, firstId: null });
      }
    },
  };
}

/**
 * Returns the gaps of trade streams that were perhaps not searched for missing trades, and from when on each stream was recorded again:
 * after a pause, the start of the run that ended it. A gap without its number was not searched. A loss on disk has its number at once, so
 * it counts if its trades were neither backfilled nor wait for it. The journal keeps such gaps for some days only.
 */
function unsearchedGaps({
  gapsSince,
  runs,
  backfills,
}: Pick<Journal, "gapsSince" | "runs" | "backfills">): { gap: Gap; resumedUs: number }[] {
  const starts = runs().map(({ started_us }) => started_us);
  const waiting = new Set(backfills.all().map(({ stream, symbol, fromUs }) => `${stream}/${symbol}/${fromUs}`));
  const isUnsearchedLoss = (gap: Gap) =>
    gap.cause === "disk" &&
    gap.repaired === 0 &&
    awaitsBackfill(gap) &&
    !waiting.has(`${gap.stream}/${gap.symbol}/${gap.from_us}`);
  return gapsSince(0)
    .filter((gap) => {
      const kind = streamTypeOfFolder(gap.stream)?.kind;
      if (kind === undefined || streamKinds[kind].backfill === null) return false;
      const isExamined = isPause(gap.cause) || gap.cause === "missing" || gap.cause === "disk";
      return gap.missing === null ? isExamined : isUnsearchedLoss(gap);
    })
    .flatMap((gap) => {
      const resumedUs = resumedAfter(gap, starts);
      return resumedUs === null ? [] : [{ gap, resumedUs }];
    })
    .sort((a, b) => a.gap.from_us - b.gap.from_us);
}

function resumedAfter({ from_us, to_us, cause }: Gap, starts: readonly number[]): number | null {
  if (cause === "not_configured") return from_us + 1;
  return isPause(cause) ? (starts.findLast((us) => us > from_us && us <= to_us) ?? null) : to_us;
}

/** Tells whether a gap comes from a time in which no recorder ran or the config did not list the stream. */
function isPause(cause: GapCause): boolean {
  return cause === "restart" || cause === "crash" || cause === "not_configured";
}

/** Converts a gap of the feed to the recorded form. */
export function gapOf({ stream, fromUs, toUs, cause, missing }: FeedGap): Gap {
  const { type, symbol } = stream;
  return { stream: type.folder, symbol, from_us: fromUs, to_us: toUs, cause, missing, repaired: 0 };
}

/** Returns the gaps of a day: the recorded gaps, and open gaps clipped to the day. */
export function gapsOfDay(day: Day, recorded: readonly Gap[], openGaps: readonly Gap[]): readonly Gap[] {
  const startUs = dateStartUs(day.date);
  const open = openGaps
    .filter(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)
    .map((gap) => clipGap(gap, startUs, startUs + dayUs))
    .filter((gap) => gap !== null);
  // An open gap may be recorded already, up to a moment ago.
  return [...recorded.filter(({ from_us }) => open.every((gap) => gap.from_us !== from_us)), ...open];
}

/** Adds gaps of the manifest that the catalogue has lost to `known`, so that a new manifest does not drop them. */
export function withManifestGaps(day: Day, manifest: readonly ManifestGap[], known: readonly Gap[]): readonly Gap[] {
  const lost = manifest.filter(({ from_us }) => known.every((gap) => gap.from_us !== from_us));
  if (lost.length === 0) return known;
  const { stream, symbol } = day;
  return [...known, ...lost.map((gap) => ({ stream, symbol, ...gap }))].sort((a, b) => a.from_us - b.from_us);
}

/** Returns the gaps in the manifest of a day; empty if the manifest is missing or unreadable. */
export function gapsInManifest(dataDir: string, day: Day): readonly ManifestGap[] {
  try {
    return readManifest(dataDir, day)?.gaps ?? [];
  } catch {
    // The merge reports a damaged manifest.
    return [];
  }
}
