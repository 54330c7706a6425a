import { readFileSync } from "../files/files.ts";

/** The clocks of a machine, ms; all replaceable in tests. */
export type ClockSources = {
  readonly wallMs: () => number;
  /** Stands still while the machine sleeps. */
  readonly monotonicMs: () => number;
  /** Runs on while the machine sleeps; null or absent: nobody can tell a sleep from a clock that was set forward. */
  readonly bootMs?: () => number | null;
};

/** The clock of a recorder: one time that never jumps, and what the wall clock says to it. All times are µs, integers. */
export type ReceiveClock = {
  /** Passes as true time does, however the wall clock is set. Never decreases. The feed lives by it. */
  steadyUs(): number;
  /** The wall clock at a steady time, in µs since the Unix epoch: what `recv_us` is. Follows each step of the wall clock. */
  stampOf(steadyUs: number): number;
  /** The same of a span: one for each stretch between two steps, in order. */
  spansOf(fromUs: number, toUs: number): readonly { readonly fromUs: number; readonly toUs: number }[];
  /** The steady time that has this stamp by the wall clock as it is set now. */
  steadyOf(stampUs: number): number;
  /** The stamp of this moment. Runs back when the wall clock is set back. */
  nowUs(): number;
  /** Called at once when the wall clock was set, in the middle of whatever asked for the time: only note it. */
  onStep(listener: (step: ClockStep) => void): void;
  /** How often the machine has slept: steady time is known less exactly across a sleep. */
  sleeps(): number;
};

/** The wall clock was set: stamps after the steady time `atUs` begin at `toUs`, and those before it ended at `fromUs`. */
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

/** How fast a clock that is a little ahead of the wall is held back: 1 ms of correction a second. */
const slew = 0.001;

/** A larger difference is a step, a smaller one drift or slewing, µs. */
const smallestStepUs = 50_000;

/** A shorter sleep is none, ms. */
const shortestSleepMs = 500;

/** Steps that are remembered, so that times before them can still be told. */
const mostSteps = 100;

/**
 * The monotonic clock says how much time has passed, the wall clock what to call it. Steady time follows small differences at once
 * forward, and slowly back, so that it does not run backwards. A larger one is a step: stamps follow it at once both ways, steady time
 * not at all. Between steps stamps and steady time are a constant apart, so that one time always has one stamp.
 */
export function createReceiveClock(sources: ClockSources = systemClock): ReceiveClock {
  const { wallMs, monotonicMs } = sources;
  const bootMs = sources.bootMs ?? (() => null);
  const listeners: ((step: ClockStep) => void)[] = [];
  const steps: ClockStep[] = [];
  /** Steady time minus the monotonic clock, and stamps minus steady time, µs. */
  let baseUs = (wallMs() - monotonicMs()) * 1000;
  let shiftUs = 0;
  let lastUs = Math.floor(baseUs + monotonicMs() * 1000);
  let newestStepUs = 0;
  let asleepMs = asleep();
  let sleeps = 0;

  /** Sleep since the boot, ms; null where nobody can tell. */
  function asleep(): number | null {
    const ms = bootMs();
    return ms === null ? null : ms - monotonicMs();
  }

  /** The process may be held up between two reads: the quickest pair counts. Wall minus stamp, µs; 0 if it may be none. */
  function measure(): number {
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
    let us = measure();
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
    if (steps.length > mostSteps) steps.shift();
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
    // The wall clock is cut to whole ms: up to 1 ms ahead of it is no difference.
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
