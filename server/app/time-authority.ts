import type { ClockOffset } from "../binance/clock-offset.ts";
import { type ClockSources, systemClock } from "../clock.ts";
import type { ConfirmedTime, TimeAuthority } from "../confirmed-time.ts";

/** The authority of a recorder, and what it learns from. */
export type AppTime = TimeAuthority & {
  /** The exchange was asked for its time just now. */
  noteOffset(offset: ClockOffset): void;
};

/** Clocks that agree this well are both believed, ms. Nothing depends on it finely: the earlier of both is taken. */
const toleranceMs = 5 * 60_000;

/** A measurement counts for this long, ms: two and a half rounds of measuring. */
const freshMs = 25 * 60_000;

/** An answer that took longer says too little, ms. */
const loosestMs = 60_000;

/** The wall clock and the monotonic one drift apart by less than this between two measurements, ms. */
const driftMs = 1000;

/** How long the clock has to run steadily before anything is deleted by it, ms. */
const settleMs = 15_000;

/**
 * Confirms this machine's clock against the exchange's. The time is confirmed if the exchange was asked lately, both clocks agree
 * within five minutes, and this machine's clock was not set since. `us` is the earlier of both, so that an error of either makes
 * things happen too late, never too early. `nowUs` is the clock whose offset is measured.
 */
export function createTimeAuthority(deps: { nowUs: () => number; clock?: ClockSources | undefined }): AppTime {
  const { nowUs, clock = systemClock } = deps;
  let measured: (ClockOffset & { readonly atMs: number; readonly differenceMs: number }) | null = null;
  let steadySinceMs = clock.monotonicMs();
  let lastDifferenceMs = difference();

  function difference(): number {
    return clock.wallMs() - clock.monotonicMs();
  }

  /** A step is seen at the next call, whoever makes it. */
  function look(): number {
    const differenceMs = difference();
    if (Math.abs(differenceMs - lastDifferenceMs) > driftMs) steadySinceMs = clock.monotonicMs();
    lastDifferenceMs = differenceMs;
    return differenceMs;
  }

  function now(): ConfirmedTime {
    const differenceMs = look();
    if (measured === null) return unconfirmed("the exchange has not told its time yet");
    const ageMs = clock.monotonicMs() - measured.atMs;
    if (ageMs < 0 || ageMs > freshMs) return unconfirmed("the exchange has not told its time for 25 minutes");
    if (Math.abs(differenceMs - measured.differenceMs) > driftMs)
      return unconfirmed("this machine's clock was set, and the exchange has not told its time since");
    const { offsetMs, boundMs } = measured;
    if (boundMs > loosestMs) return unconfirmed("the exchange takes more than a minute to tell its time");
    if (Math.abs(offsetMs) > toleranceMs + boundMs)
      return unconfirmed(
        `this machine's clock is ${lengthOf(offsetMs)} ${offsetMs > 0 ? "ahead of" : "behind"} the exchange's (see timedatectl)`,
      );
    const us = nowUs();
    return { kind: "confirmed", us: Math.min(us, us - Math.round(offsetMs * 1000)) };
  }

  return {
    noteOffset(offset) {
      measured = { ...offset, atMs: clock.monotonicMs(), differenceMs: look() };
    },
    now,
    settled() {
      const time = now();
      const steadyMs = clock.monotonicMs() - steadySinceMs;
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
