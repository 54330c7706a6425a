import type { ReceiveClock } from "../../../server/platform/time/receive-clock.ts";

/** A clock that is never set: steady time equals the wall clock. */
export function unsteppedClock(nowUs: () => number): ReceiveClock {
  const same = (us: number) => us;
  return {
    ...{ steadyUs: nowUs, nowUs, stampOf: same, steadyOf: same, onStep() {}, sleeps: () => 0 },
    spansOf: (fromUs, toUs) => [{ fromUs, toUs }],
  };
}
