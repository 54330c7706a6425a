import { readFileSync } from "../files/files.ts";

/** The clocks of a machine, ms. Tests can replace each of them. */
export type ClockSources = {
  readonly wallMs: () => number;
  /** Does not count time during which the machine sleeps. */
  readonly monotonicMs: () => number;
  /** Counts time during which the machine sleeps. If null or absent, a sleep looks like a clock that was set forward. */
  readonly bootMs?: () => number | null;
};

/**
 * The clock of a recorder: one steady time that never jumps, and the wall clock's stamp for it.
 * All times are integers in µs.
 */
export type ReceiveClock = {
  /** Passes like true time, even if the wall clock is set. Never decreases. The feed uses only this time. */
  steadyUs(): number;
  /** Returns the wall clock's stamp for a steady time, µs since the Unix epoch (`recv_us`). Follows each step of the wall clock. */
  stampOf(steadyUs: number): number;
  /** Converts a time span to stamps: one span for each stretch between two clock steps, in order. */
  spansOf(fromUs: number, toUs: number): readonly { readonly fromUs: number; readonly toUs: number }[];
  /** Returns the steady time of a stamp, by the current setting of the wall clock. */
  steadyOf(stampUs: number): number;
  /** Returns the stamp of the current moment. Goes back if the wall clock is set back. */
  nowUs(): number;
  /** Calls the listener when the wall clock was set, in the middle of a call that asks for the time. It may only record the step. */
  onStep(listener: (step: ClockStep) => void): void;
  /** Returns how often the machine has slept. Across a sleep, steady time is less exact. */
  sleeps(): number;
};

/** The wall clock was set at the steady time `atUs`: earlier stamps end at `fromUs`, later stamps begin at `toUs`. */
export type ClockStep = { readonly atUs: number; readonly fromUs: number; readonly toUs: number };

/** The system's clocks. */
export const systemClock: ClockSources = {
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
  bootMs() {
    try {
      return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
    } catch {
      return null;
    }
  },
};

/** Speed at which a lead over the wall clock is reduced: 1 ms per second. */
const slew = 0.001;

/** Smallest clock step, µs. Smaller differences are drift or slewing. */
const smallestStepUs = 50_000;

/** Shortest sleep, ms. */
const shortestSleepMs = 500;

/** Number of clock steps kept, so that earlier times can still be converted. */
const maxSteps = 100;

/**
 * Creates the clock. The monotonic clock measures how much time passes; the wall clock gives it a name.
 * - A small difference: steady time follows it at once forward, and slowly back, because it must never decrease.
 * - A large difference is a step: stamps follow it at once in both directions, steady time does not follow it.
 * - Between two steps the difference of stamps and steady time is constant, so that each time has exactly one stamp.
 */
export function createReceiveClock(sources: ClockSources = systemClock): ReceiveClock {
  const { wallMs, monotonicMs } = sources;
  const bootMs = sources.bootMs ?? (() => null);
  const listeners: ((step: ClockStep) => void)[] = [];
  const steps: ClockStep[] = [];
  /** Steady time minus the monotonic clock, µs. */
  let baseUs = (wallMs() - monotonicMs()) * 1000;
  /** Stamps minus steady time, µs. */
  let shiftUs = 0;
  let lastUs = Math.floor(baseUs + monotonicMs() * 1000);
  let newestStepUs = 0;
  let asleepMs = asleep();
  let sleeps = 0;

  /** Returns the total sleep since boot, ms; null if unknown. */
  function asleep(): number | null {
    const ms = bootMs();
    return ms === null ? null : ms - monotonicMs();
  }

  /**
   * Measures the wall clock minus the current stamp, µs; 0 if the difference may be a measuring error.
   * The process may be suspended between two reads, so the quickest pair of reads counts.
   */
  function measureLead(): number {
    let best = { spanMs: Number.POSITIVE_INFINITY, us: 0 };
    for (let n = 0; n < 5; n++) {
      const before = monotonicMs();
      const wall = wallMs();
      const spanMs = monotonicMs() - before;
      if (spanMs < best.spanMs) best = { spanMs, us: wall * 1000 - (baseUs + before * 1000 + shiftUs) };
      if (spanMs < 1) break;
    }
    return Math.abs(best.us) < smallestStepUs + best.spanMs * 1000 ? 0 : best.us;
  }

  function onJump(): void {
    let us = measureLead();
    if (us === 0) return;
    const asleepNowMs = us > 0 ? asleep() : null;
    if (asleepNowMs !== null && asleepMs !== null && asleepNowMs - asleepMs > shortestSleepMs) {
      const sleptUs = (asleepNowMs - asleepMs) * 1000;
      baseUs += sleptUs;
      us -= sleptUs;
      asleepMs = asleepNowMs;
      sleeps++;
    }
    if (Math.abs(us) < smallestStepUs) {
      baseUs += us;
      return;
    }
    const atUs = lastUs;
    const fromUs = atUs + shiftUs;
    shiftUs += Math.round(us);
    lastUs++;
    newestStepUs = atUs;
    const step = { atUs, fromUs, toUs: lastUs + shiftUs };
    steps.push(step);
    if (steps.length > maxSteps) steps.shift();
    for (const listener of listeners) listener(step);
  }

  function steadyUs(): number {
    const wallUs = wallMs() * 1000;
    const us = baseUs + monotonicMs() * 1000;
    const aheadUs = us + shiftUs - wallUs;
    if (aheadUs < -smallestStepUs || aheadUs > smallestStepUs) {
      onJump();
      lastUs = Math.max(lastUs, Math.floor(baseUs + monotonicMs() * 1000));
      return lastUs;
    }
    // The wall clock is truncated to whole ms, so a lead below 1 ms is not a difference.
    let correctionUs = 0;
    if (aheadUs < 0) correctionUs = -aheadUs;
    else if (aheadUs >= 1000) correctionUs = -Math.min(aheadUs - 999, Math.max(0, us - lastUs) * slew);
    baseUs += correctionUs;
    lastUs = Math.max(lastUs, Math.floor(us + correctionUs));
    return lastUs;
  }

  function stampOf(us: number): number {
    if (us > newestStepUs) return us + shiftUs;
    const next = steps.find(({ atUs }) => atUs >= us);
    return next === undefined ? us + shiftUs : next.fromUs - (next.atUs - us);
  }

  function spansOf(fromUs: number, toUs: number) {
    const inside = steps.filter(({ atUs }) => atUs > fromUs && atUs < toUs);
    const starts = [stampOf(fromUs), ...inside.map((step) => step.toUs)];
    const ends = [...inside.map((step) => step.fromUs), stampOf(toUs)];
    return starts.map((from, n) => ({ fromUs: from, toUs: ends[n] ?? from }));
  }

  return {
    steadyUs,
    stampOf,
    spansOf,
    steadyOf: (stampUs) => stampUs - shiftUs,
    nowUs: () => stampOf(steadyUs()),
    onStep: (listener) => void listeners.push(listener),
    sleeps: () => sleeps,
  };
}
