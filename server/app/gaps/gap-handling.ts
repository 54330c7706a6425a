import type { FeedGap } from "../../binance/gaps/feed-events.ts";
import { type Day, dateStartUs, dayUs } from "../../domain/day.ts";
import { clipGap, type Gap, type GapCause } from "../../domain/gap.ts";
import { createStream, type Stream, streamTypeOfFolder } from "../../domain/stream.ts";
import { isNumbered, streamKinds } from "../../domain/stream-kinds.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { Loss } from "../../recorder/tamper/written-bytes.ts";
import type { GapLedger } from "../../recorder/write/gap-ledger.ts";
import { type ManifestGap, readManifest } from "../../storage/manifest.ts";
import type { Backfill, Pause } from "../recording/backfill.ts";
import type { TimedGaps } from "./timed-gaps.ts";

/** Takes gaps from the feed to where they are written down, and to those who can put them right. */
export type GapIntake = {
  take(gaps: readonly FeedGap[]): void;
  /** Records that had been written are gone from the disk. Trades are refetched as soon as there is a record behind them. */
  lose(stream: Stream, loss: Loss): void;
  /** Looks into the pauses that earlier runs left unjudged. */
  lookBack(): void;
};

/** The next record is there within a second, mostly; after the last attempt a quarter of an hour has passed. */
const firstAttemptMs = 2000;
const mostAttempts = 8;

/**
 * `firstIds`: the first id of this run, of trades; of diffs the first `U` since the newest hole, which is forgotten with each hole.
 */
export function createGapIntake(deps: {
  ledger: GapLedger;
  repair: Backfill;
  firstIds: Map<Stream, number>;
  /** What was received before is of earlier runs, µs. */
  startedUs: number;
  journal: Pick<Journal, "gapsSince" | "runs">;
  /** Calls `write` once the end of the gap is known by a right clock. */
  hold: TimedGaps["hold"];
  log: Log;
}): GapIntake {
  const { ledger, repair, firstIds, log } = deps;

  function tell(gaps: readonly FeedGap[]): void {
    const [first] = gaps;
    const longestUs = Math.max(...gaps.map(({ fromUs, toUs }) => toUs - fromUs));
    const missing = gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0);
    const seconds = Math.round(longestUs / 1e5) / 10;
    const names = gaps.length === 1 ? first?.stream.name : undefined;
    log.warn("a gap was recorded", { cause: first?.cause, seconds, streams: gaps.length, stream: names, missing });
  }

  /** Nobody had run: what was recorded last is looked for on disk, and what lies between is refetched. */
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
      log.warn("cannot find what was recorded last; the gap stays as it is", fields);
    }
  }

  /** Null where the trades before or behind are not there, or cannot be: then it is tried again a little later, some times. */
  function regain(stream: Stream, gap: Gap, attempt: number): void {
    const onJudged = (missing: number) => ledger.update([{ ...gap, missing }]);
    const retry = (missing: number | null) => {
      if (missing === null && attempt < mostAttempts) regain(stream, gap, attempt + 1);
    };
    const tellError = (error: unknown) => {
      log.warn("cannot find which trades were lost; the gap stays", { stream: stream.name, reason: messageOf(error) });
    };
    const waitMs = firstAttemptMs * 2 ** attempt;
    setTimeout(() => {
      repair.catchUp({ gap, stream, resumedUs: gap.to_us, firstId: null, onJudged }).then(retry, tellError);
    }, waitMs).unref();
  }

  return {
    lose(stream, { fromUs, toUs, records }) {
      ledger.lose(stream, { fromUs, toUs, records });
      if (stream.type.kind === "diffDepth") repair.wantBook(stream.symbol);
      const span = { stream, fromUs, toUs, cause: "disk" as const, missing: records, holes: [] };
      if (isNumbered(stream.type.kind)) regain(stream, gapOf(span), 0);
    },
    take(found) {
      const ofEarlier = found.filter(({ cause }) => isPause(cause));
      const others = found.filter((gap) => !ofEarlier.includes(gap));
      ledger.add(others.map(gapOf));
      if (others.length > 0) tell(others);
      for (const { stream, fromUs, toUs, cause, holes, missing } of found) {
        for (const { fromId, toId } of holes) repair.refetch({ stream, fromId, toId, fromUs, toUs, cause });
        if (stream.type.kind !== "diffDepth" || missing === 0) continue;
        firstIds.delete(stream);
        repair.wantBook(stream.symbol);
      }
      for (const { stream, ...rest } of ofEarlier) {
        const firstId = firstIds.get(stream);
        const isLeftOut = rest.cause === "not_configured";
        deps.hold(gapOf({ stream, ...rest }), (gap) => {
          ledger.update([gap]);
          const resumedUs = isLeftOut ? gap.to_us : deps.startedUs;
          if (!isNumbered(stream.type.kind)) return;
          if (firstId !== undefined) void catchUp({ gap, stream, resumedUs, firstId });
          // Nothing has come since; the first trade is waited for.
          else if (isLeftOut) regain(stream, gap, 0);
        });
      }
    },
    lookBack() {
      for (const { gap, resumedUs } of unjudgedPauses(deps.journal)) {
        const type = streamTypeOfFolder(gap.stream);
        if (type === null || resumedUs >= deps.startedUs) continue;
        void catchUp({ gap, stream: createStream(gap.symbol, type), resumedUs, firstId: null });
      }
    },
  };
}

/** Pauses of trade streams of which nobody found out what was missed, each with the start of the run that ended it. */
function unjudgedPauses({ gapsSince, runs }: Pick<Journal, "gapsSince" | "runs">): { gap: Gap; resumedUs: number }[] {
  const starts = runs().map(({ started_us }) => started_us);
  return gapsSince(0)
    .filter(({ stream, cause, missing }) => {
      const kind = streamTypeOfFolder(stream)?.kind;
      return isPause(cause) && missing === null && kind !== undefined && streamKinds[kind].backfill !== null;
    })
    .flatMap((gap) => {
      const resumedUs =
        gap.cause === "not_configured"
          ? gap.from_us + 1
          : (starts.findLast((us) => us > gap.from_us && us <= gap.to_us) ?? null);
      return resumedUs === null ? [] : [{ gap, resumedUs }];
    })
    .sort((a, b) => a.gap.from_us - b.gap.from_us);
}

/** True where the stream was not recorded although nothing had failed, or nobody ran. */
function isPause(cause: GapCause): boolean {
  return cause === "restart" || cause === "crash" || cause === "not_configured";
}

/** A gap of the feed as it is written down. */
export function gapOf({ stream, fromUs, toUs, cause, missing }: FeedGap): Gap {
  const { type, symbol } = stream;
  return { stream: type.folder, symbol, from_us: fromUs, to_us: toUs, cause, missing, repaired: 0 };
}

/** Gaps of a day: those that are written down, and the part of the day's that are not over yet. */
export function gapsOfDay(day: Day, written: readonly Gap[], lasting: readonly Gap[]): readonly Gap[] {
  const startUs = dateStartUs(day.date);
  const open = lasting
    .filter(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)
    .map((gap) => clipGap(gap, startUs, startUs + dayUs))
    .filter((gap) => gap !== null);
  // One that is not over yet may be written down already, up to a moment ago.
  return [...written.filter(({ from_us }) => open.every((gap) => gap.from_us !== from_us)), ...open];
}

/** The manifest's gaps with what is known now in their place: a catalogue that has lost some must not make a manifest forget them. */
export function withManifestGaps(day: Day, manifest: readonly ManifestGap[], known: readonly Gap[]): readonly Gap[] {
  const lost = manifest.filter(({ from_us }) => known.every((gap) => gap.from_us !== from_us));
  if (lost.length === 0) return known;
  const { stream, symbol } = day;
  return [...known, ...lost.map((gap) => ({ stream, symbol, ...gap }))].sort((a, b) => a.from_us - b.from_us);
}

/** Gaps in the manifest of a day; none where there is no manifest that can be read. */
export function gapsInManifest(dataDir: string, day: Day): readonly ManifestGap[] {
  try {
    return readManifest(dataDir, day)?.gaps ?? [];
  } catch {
    // A manifest that is damaged is the merge's to tell of.
    return [];
  }
}
