import type { ClockOffset } from "../../binance/rest/clock-offset.ts";
import type { ConfirmedTime, TimeAuthority } from "../../platform/time/confirmed-time.ts";
import { type ClockSources, type ReceiveClock, systemClock } from "../../platform/time/receive-clock.ts";

/** How far steady time is ahead of the exchange's, µs, and by how much that may be wrong. */
export type SteadyOffset = { readonly us: number; readonly boundUs: number };

/** The authority of a recorder, and what it learns from. */
export type AppTime = TimeAuthority & {
  /** The exchange was asked for its time just now: steady time minus its own. */
  noteOffset(offset: ClockOffset): void;
  /** The newest offset of steady time, as long as it counts; else null. */
  offset(): SteadyOffset | null;
};

/** Clocks that agree this well are both believed, ms. Nothing depends on it finely: the earlier of both is taken. */
const toleranceMs = 5 * 60_000;

/** A measurement counts for this long, ms: two and a half rounds of measuring. */
const freshMs = 25 * 60_000;

/** An answer that took longer says too little, ms. */
const loosestMs = 60_000;

/** How long the clock has to run steadily before anything is deleted by it, ms. */
const settleMs = 15_000;

/**
 * Confirms this machine's clock against the exchange's. The exchange was asked lately how far steady time, which nobody can set, is from
 * its own; so the true time is known at once after every step of the wall clock. The time is confirmed if both agree within five
 * minutes. `us` is the earlier of both, so that an error of either makes things happen too late, never too early.
 */
export function createTimeAuthority(deps: {
  clock: ReceiveClock;
  sources?: ClockSources | undefined;
  /** Receipt minus event time of the newest messages, ms; null if there are none. */
  events?: (nowUs: number) => number | null;
}): AppTime {
  const { clock, sources = systemClock } = deps;
  let measured: (ClockOffset & { readonly atMs: number; readonly sleeps: number }) | null = null;
  let steadySinceMs = sources.monotonicMs();
  clock.onStep(() => {
    steadySinceMs = sources.monotonicMs();
  });

  /** Why the newest measurement does not count, or null. */
  function problem(): string | null {
    if (measured === null) return "the exchange has not told its time yet";
    const ageMs = sources.monotonicMs() - measured.atMs;
    if (ageMs < 0 || ageMs > freshMs) return "the exchange has not told its time for 25 minutes";
    if (measured.sleeps !== clock.sleeps())
      return "the machine has slept, and the exchange has not told its time since";
    return measured.boundMs > loosestMs ? "the exchange takes more than a minute to tell its time" : null;
  }

  function now(): ConfirmedTime {
    const steadyUs = clock.steadyUs();
    const stampUs = clock.stampOf(steadyUs);
    const why = problem();
    // Where it does not answer, the times in its messages tell, which are late by the delay.
    const bySocketMs = why === null ? null : (deps.events?.(stampUs) ?? null);
    if (bySocketMs === null && (measured === null || why !== null)) return unconfirmed(why ?? "");
    const trueUs = Math.round(
      bySocketMs === null ? steadyUs - (measured?.offsetMs ?? 0) * 1000 : stampUs - bySocketMs * 1000,
    );
    const offsetMs = (stampUs - trueUs) / 1000;
    const boundMs = bySocketMs === null ? (measured?.boundMs ?? 0) : 0;
    if (Math.abs(offsetMs) > toleranceMs + boundMs)
      return unconfirmed(
        `this machine's clock is ${lengthOf(offsetMs)} ${offsetMs > 0 ? "ahead of" : "behind"} the exchange's (see timedatectl)`,
      );
    return { kind: "confirmed", us: Math.min(stampUs, trueUs) };
  }

  return {
    noteOffset(offset) {
      measured = { ...offset, atMs: sources.monotonicMs(), sleeps: clock.sleeps() };
    },
    offset() {
      if (measured === null || problem() !== null) return null;
      return { us: measured.offsetMs * 1000, boundUs: measured.boundMs * 1000 };
    },
    now,
    settled() {
      const time = now();
      const steadyMs = sources.monotonicMs() - steadySinceMs;
      if (time.kind === "unconfirmed" || steadyMs >= settleMs) return time;
      return unconfirmed("the clock has to run steadily for 15 s first");
    },
  };
}

function unconfirmed(why: string): ConfirmedTime {
  return { kind: "unconfirmed", why };
}

/** Days, hours, minutes or seconds, whichever reads best. */
function lengthOf(ms: number): string {
  const seconds = Math.abs(ms) / 1000;
  const [length, unit] =
    seconds >= 172_800
      ? [86_400, "days"]
      : seconds >= 7200
        ? [3600, "hours"]
        : seconds >= 120
          ? [60, "minutes"]
          : [1, "s"];
  return `${Math.round(seconds / Number(length))} ${unit}`;
}
