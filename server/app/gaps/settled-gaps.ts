import { type Day, dateOf, dateStartUs, dayUs, liveFolder, manifestPath, mergeAfterUs } from "../../domain/day.ts";
import { clipGap, type Gap } from "../../domain/gap.ts";
import type { Journal } from "../../journal/journal.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { statSync } from "../../platform/files/files.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { readManifest } from "../../storage/manifest.ts";

/** Keeps the gaps in manifests up to date, however late a gap becomes known and however many days it touches. */
export type SettledGaps = {
  /** Call it once a second: merges days whose gaps have changed. */
  tick(): void;
  /**
   * Compares the journal's gaps with the manifests of past days. A manifest that differs is updated: a crash may have come between the two
   * writes. An old gap that all its manifests hold is removed from the journal. Never rejects.
   */
  check(signal: AbortSignal): Promise<void>;
};

type Deps = {
  readonly journal: Journal;
  readonly dataDir: string;
  /** Merges a past day again, which updates its manifest. */
  readonly merge: (day: Day) => void;
  readonly now: () => ConfirmedTime;
  readonly log: Log;
};

/** A gap stays in the journal for at least this long, µs; with more than `mostKept` gaps only until the manifests hold it. */
const keptUs = 3 * dayUs;
const mostKept = 20_000;

/** Limit of days that wait for a merge until the time is confirmed; if it is exceeded, all days are compared again. */
const mostWaiting = 10_000;

/** Creates the watch, which follows the journal from now on. */
export function createSettledGaps({ journal, dataDir, merge, now, log }: Deps): SettledGaps {
  const waiting = new Map<string, Day>();
  let isCheckDue = false;

  function requestMerge(day: Day): void {
    if (waiting.size >= mostWaiting) isCheckDue = true;
    else waiting.set(`${day.stream}/${day.symbol}/${day.date}`, day);
  }

  journal.onGap((gap, before) => {
    for (const day of daysOf(gap)) {
      const [part, known] = [partOf(gap, day), before === null ? null : partOf(before, day)];
      // An open gap grows every few seconds, but its part in a past day does not.
      if (part !== null && !isSame(part, known)) requestMerge(day);
    }
  });

  /**
   * Merges the waiting days. Days that are not over yet are dropped: their regular merge writes all gaps. While the file system gives no
   * answer the days go on waiting.
   */
  function look(): void {
    const time = now();
    if (time.kind === "unconfirmed" || waiting.size === 0) return;
    const today = dateOf(time.us - mergeAfterUs);
    // A merge that is running took the gaps known at its start, so a day without a manifest is merged again afterwards.
    for (const [key, day] of waiting) {
      const isPast = day.date < today;
      const files = isPast ? filesOf(day) : "none";
      if (files === "unknown") continue;
      waiting.delete(key);
      if (files === "some") merge(day);
    }
    if (!isCheckDue) return;
    isCheckDue = false;
    void checkQuietly(new AbortController().signal);
  }

  /** "unknown": the file system gives no answer now. */
  function filesOf(day: Day): "some" | "none" | "unknown" {
    for (const path of [manifestPath(dataDir, day), liveFolder(dataDir, day)]) {
      try {
        statSync(path);
        return "some";
      } catch (error) {
        if (codeOf(error) !== "ENOENT") return "unknown";
      }
    }
    return "none";
  }

  const checkQuietly = (signal: AbortSignal) =>
    check(signal).catch((error) =>
      log.warn("cannot compare the gaps with the manifests", { reason: messageOf(error) }),
    );

  async function check(signal: AbortSignal): Promise<void> {
    const time = now();
    const untilUs = time.kind === "confirmed" ? time.us : 0;
    const turn = createTurn(3);
    const pending = new Set(
      journal.backfills.all().map(({ stream, symbol, fromUs }) => `${stream}/${symbol}/${fromUs}`),
    );
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
        const part = partOf(gap, day);
        const isIn =
          part !== null && manifest?.gaps.some((known) => known.from_us === part.from_us && isSame(part, known));
        if (isIn !== true) isSettled = false;
        if (manifest !== null && isIn !== true) stale.set(key, day);
      }
      const isOld = gap.to_us < untilUs - keptUs || gaps.length > mostKept;
      if (isSettled && isOld && !pending.has(`${gap.stream}/${gap.symbol}/${gap.from_us}`)) journal.forgetGap(gap);
    }
    for (const day of stale.values()) requestMerge(day);
  }

  return { tick: look, check: checkQuietly };
}

/** Returns the days in which a gap begins and ends. Days in between hold no record, so they have no manifest. */
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
