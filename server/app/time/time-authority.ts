import type { ClockOffset } from "../../binance/rest/clock-offset.ts";
import type { ConfirmedTime, TimeAuthority } from "../../platform/time/confirmed-time.ts";
import { type ClockSources, type ReceiveClock, systemClock } from "../../platform/time/receive-clock.ts";

/** Steady time minus exchange time, µs, and the maximum error of this value. */
export type SteadyOffset = { readonly us: number; readonly boundUs: number };

/** The time authority of a recorder, with its input. */
export type AppTime = TimeAuthority & {
  /** Takes a new measurement: steady time minus exchange time. */
  setOffset(offset: ClockOffset): void;
  /** Returns the newest offset of steady time; null if there is none or it is too old or too uncertain. */
  offset(): SteadyOffset | null;
};

/** Maximum difference of two clocks that confirm each other, ms. A coarse value will do, as the earlier time is used. */
const toleranceMs = 5 * 60_000;

/** Lifetime of a measurement, ms: two and a half measuring intervals. */
const freshMs = 25 * 60_000;

/** A measurement with a larger uncertainty is ignored, ms. */
const loosestMs = 60_000;

/** How long the clock must run without a step before files are deleted by it, ms. */
const settleMs = 15_000;

/**
 * Confirms this machine's clock against the exchange's time. Measurements compare exchange time with steady time, which cannot be set. So
 * the true time is known at once after each step of the wall clock. The time is confirmed if both agree within five minutes. `us` is
 * the earlier of both: an error of either clock delays actions but never makes them happen too early.
 */
export function createTimeAuthority(deps: {
  clock: ReceiveClock;
  sources?: ClockSources | undefined;
  /** Receipt time minus event time of the newest messages, ms; null if there are none. */
  events?: (nowUs: number) => number | null;
}): AppTime {
  const { clock, sources = systemClock } = deps;
  let measured: (ClockOffset & { readonly atMs: number; readonly sleeps: number }) | null = null;
  let steadySinceMs = sources.monotonicMs();
  clock.onStep(() => {
    steadySinceMs = sources.monotonicMs();
  });

  /** Returns why the newest measurement is not valid, or null. */
  function problem(): string | null {
    if (measured === null) return "the exchange's time is not known yet";
    const ageMs = sources.monotonicMs() - measured.atMs;
    if (ageMs < 0 || ageMs > freshMs) return "the exchange has not answered with its time for 25 minutes";
    if (measured.sleeps !== clock.sleeps())
      return "the machine was suspended, and the exchange has not answered with its time since";
    return measured.boundMs > loosestMs ? "the exchange takes more than a minute to answer with its time" : null;
  }

  function now(): ConfirmedTime {
    const steadyUs = clock.steadyUs();
    const stampUs = clock.stampOf(steadyUs);
    const why = problem();
    // If the exchange does not answer, use the event times of its messages, which are late by the network delay.
    const eventDelayMs = why === null ? null : (deps.events?.(stampUs) ?? null);
    if (eventDelayMs === null && (measured === null || why !== null)) return unconfirmed(why ?? "");
    const trueUs = Math.round(
      eventDelayMs === null ? steadyUs - (measured?.offsetMs ?? 0) * 1000 : stampUs - eventDelayMs * 1000,
    );
    const offsetMs = (stampUs - trueUs) / 1000;
    const boundMs = eventDelayMs === null ? (measured?.boundMs ?? 0) : 0;
    if (Math.abs(offsetMs) > toleranceMs + boundMs)
      return unconfirmed(
        `this machine's clock is ${lengthOf(offsetMs)} ${offsetMs > 0 ? "ahead of" : "behind"} the exchange's (see timedatectl)`,
      );
    return { kind: "confirmed", us: Math.min(stampUs, trueUs) };
  }

  return {
    setOffset(offset) {
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
      return unconfirmed("the clock must first run for 15 s without a step");
    },
  };
}

function unconfirmed(why: string): ConfirmedTime {
  return { kind: "unconfirmed", why };
}

/** Formats a length of time in days, hours, minutes or seconds, whichever reads best. */
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
