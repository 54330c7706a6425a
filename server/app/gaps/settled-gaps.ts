import { type Day, dateOf, dateStartUs, dayUs, manifestPath, mergeAfterUs } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import type { Journal } from "../../journal/journal.ts";
import { messageOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { readManifest } from "../../storage/manifest.ts";

/** Sees to it that manifests say what is known of gaps, however late it became known and however many days a gap touches. */
export type SettledGaps = {
  /** Call it once a second. */
  look(): void;
  /**
   * Compares the journal's gaps with the manifests of days that are over: a manifest that says something else is brought up to date
   * (a crash may have come between the two), a gap that is old and stands in all of them is forgotten by the journal.
   */
  check(signal: AbortSignal): Promise<void>;
};

type Deps = {
  readonly journal: Journal;
  readonly dataDir: string;
  /** Brings the manifest of a day that is over up to date. */
  readonly merge: (day: Day) => void;
  readonly now: () => ConfirmedTime;
  readonly log: Log;
};

/** So long a gap stays in the journal anyway, µs; beyond so many gaps only until it is in the manifests. */
const keptUs = 3 * dayUs;
const mostKept = 20_000;

/** Days that wait to be merged until the time is confirmed; beyond it all are compared once more. */
const mostWaiting = 10_000;

/** Follows the journal from now on. */
export function createSettledGaps({ journal, dataDir, merge, now, log }: Deps): SettledGaps {
  const waiting = new Map<string, Day>();
  let isCheckDue = false;

  function want(day: Day): void {
    if (waiting.size >= mostWaiting) isCheckDue = true;
    else waiting.set(`${day.stream}/${day.symbol}/${day.date}`, day);
  }

  journal.onGap((gap, before) => {
    for (const day of daysOf(gap)) {
      const [own, known] = [partOf(gap, day), before === null ? null : partOf(before, day)];
      // A gap that lasts grows every few seconds, but not the part of it that lies in a day that is over.
      if (own !== null && !isSame(own, known)) want(day);
    }
  });

  /** Today's wait until the day is merged anyway. */
  function look(): void {
    const time = now();
    if (time.kind === "unconfirmed" || waiting.size === 0) return;
    const today = dateOf(time.us - mergeAfterUs);
    // A day without a manifest gets one from its merge, with all that is known then.
    for (const day of waiting.values()) if (day.date < today && existsSync(manifestPath(dataDir, day))) merge(day);
    waiting.clear();
    if (!isCheckDue) return;
    isCheckDue = false;
    void checkQuietly(new AbortController().signal);
  }

  const checkQuietly = (signal: AbortSignal) =>
    check(signal).catch((error) =>
      log.warn("cannot compare the gaps with the manifests", { reason: messageOf(error) }),
    );

  async function check(signal: AbortSignal): Promise<void> {
    const time = now();
    const untilUs = time.kind === "confirmed" ? time.us : 0;
    const turn = createTurn(3);
    const pending = new Set(journal.holes.all().map(({ stream, symbol, fromUs }) => `${stream}/${symbol}/${fromUs}`));
    const stale = new Map<string, Day>();
    const manifests = new Map<string, ReturnType<typeof readManifest>>();
    const gaps = [...journal.gapsSince(0)].sort((a, b) => a.from_us - b.from_us);
    for (const gap of gaps) {
      await turn.giveWay();
      if (signal.aborted) return;
      let isSettled = gap.to_us < dateStartUs(dateOf(untilUs));
      for (const day of daysOf(gap)) {
        const key = `${day.stream}/${day.symbol}/${day.date}`;
        const manifest = manifests.has(key) ? (manifests.get(key) ?? null) : readManifest(dataDir, day);
        if (manifests.size > 500) manifests.clear();
        manifests.set(key, manifest);
        const own = partOf(gap, day);
        const isIn =
          own !== null && manifest?.gaps.some((known) => known.from_us === own.from_us && isSame(own, known));
        if (isIn !== true) isSettled = false;
        if (manifest !== null && isIn !== true) stale.set(key, day);
      }
      const isOld = gap.to_us < untilUs - keptUs || gaps.length > mostKept;
      if (isSettled && isOld && !pending.has(`${gap.stream}/${gap.symbol}/${gap.from_us}`)) journal.forgetGap(gap);
    }
    for (const day of stale.values()) want(day);
  }

  return { look, check: checkQuietly };
}

/** The days in which a gap begins and ends. Those between hold no record, so that there is no manifest to tell of it. */
function daysOf({ stream, symbol, from_us, to_us }: Gap): Day[] {
  return [...new Set([dateOf(from_us), dateOf(to_us - 1)])].map((date) => ({ stream, symbol, date }));
}

function partOf(gap: Gap, { date }: Day): Gap | null {
  const startUs = dateStartUs(date);
  return clipGap(gap, startUs, startUs + dayUs);
}

type Known = Pick<Gap, "to_us" | "cause" | "missing" | "repaired">;

function isSame(gap: Known, known: Known | null): boolean {
  return (
    known !== null &&
    known.to_us === gap.to_us &&
    known.cause === gap.cause &&
    known.missing === gap.missing &&
    known.repaired === gap.repaired
  );
}
