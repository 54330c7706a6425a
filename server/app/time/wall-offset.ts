import { type ClockOffset, type ClockOffsetMeter, createClockOffsetMeter } from "../../binance/rest/clock-offset.ts";
import type { RestClient } from "../../binance/rest/rest-client.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";

/**
 * Measures the wall clock's offset from the exchange's time. The measurement uses steady time, which steps of the wall clock do not
 * disturb, so the offset is right at once after each step.
 */
export function createWallOffset(deps: {
  rest: RestClient;
  clock: ReceiveClock;
  log: Log;
  /** Called with the wall clock's offset, ms. */
  onOffset: (offsetMs: number) => void;
  onSteadyOffset: (offset: ClockOffset) => void;
}): ClockOffsetMeter {
  const { rest, clock, log } = deps;
  const meter = createClockOffsetMeter({
    ...{ rest, nowUs: clock.steadyUs, log },
    onOffset(offset) {
      deps.onSteadyOffset(offset);
      deps.onOffset(wallOffsetOf(offset).offsetMs);
    },
  });

  function wallOffsetOf(offset: ClockOffset): ClockOffset {
    const nowUs = clock.steadyUs();
    return { ...offset, offsetMs: offset.offsetMs + (clock.stampOf(nowUs) - nowUs) / 1000 };
  }

  return {
    ...meter,
    current() {
      const offset = meter.current();
      return offset && wallOffsetOf(offset);
    },
  };
}
