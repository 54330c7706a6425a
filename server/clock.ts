/** Wall clock in ms and monotonic clock in ms; both replaceable in tests. */
export type ClockSources = { readonly wallMs: () => number; readonly monotonicMs: () => number };

/** The clock that stamps `recv_us`. */
export type ReceiveClock = {
  /** µs since the Unix epoch, an integer that never decreases. */
  nowUs(): number;
};

/** The system's clocks. */
export const systemClock: ClockSources = { wallMs: Date.now, monotonicMs: () => performance.now() };

/** How fast a clock that is ahead of the wall is held back: 1 ms of correction a second. */
const slew = 0.001;

/**
 * A µs clock made of two: the wall clock says the millisecond, the monotonic clock what lies within it. Where the wall
 * clock is stepped forward we follow at once; where it is stepped back we go on at very nearly the monotonic pace until the
 * wall has caught up, so that stamps neither run backwards nor stand still.
 */
export function createReceiveClock(sources: ClockSources = systemClock): ReceiveClock {
  let anchorUs = sources.wallMs() * 1000 - sources.monotonicMs() * 1000;
  let lastUs = 0;
  return {
    nowUs() {
      const wallUs = sources.wallMs() * 1000;
      const monotonicUs = sources.monotonicMs() * 1000;
      let us = anchorUs + monotonicUs;
      if (us < wallUs) {
        anchorUs += wallUs - us;
        us = wallUs;
      } else if (us >= wallUs + 1000) {
        const excess = us - (wallUs + 999);
        const correction = Math.min(excess, Math.max(0, us - lastUs) * slew);
        anchorUs -= correction;
        us -= correction;
      }
      lastUs = Math.max(lastUs, Math.floor(us));
      return lastUs;
    },
  };
}

/** Notices steps of the wall clock against the monotonic one. */
export type StepWatch = {
  /** By how much the wall clock was stepped since the last look, ms; 0 for what is mere drift. */
  look(): number;
};

/** Smaller than this is drift, or a clock being slewed, ms. */
const smallestStepMs = 50;

/** A look a second costs nothing; a machine that slept looks like a step forward, since its monotonic clock stood still. */
export function createStepWatch(sources: ClockSources = systemClock): StepWatch {
  let differenceMs = sources.wallMs() - sources.monotonicMs();
  return {
    look() {
      const nowMs = sources.wallMs() - sources.monotonicMs();
      const stepMs = Math.round(nowMs - differenceMs);
      differenceMs = nowMs;
      return Math.abs(stepMs) < smallestStepMs ? 0 : stepMs;
    },
  };
}
