import { type ClockOffset, type ClockOffsetMeter, createClockOffsetMeter } from "../../binance/rest/clock-offset.ts";
import type { RestClient } from "../../binance/rest/rest-client.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";

/**
 * Measures the offset of steady time, which no step of the wall clock disturbs, and tells the wall clock's: it is known at once after each
 * step.
 */
export function createWallOffset(deps: {
  rest: RestClient;
  clock: ReceiveClock;
  log: Log;
  /** The wall clock's, ms. */
  onOffset: (offsetMs: number) => void;
  onSteadyOffset: (offset: ClockOffset) => void;
}): ClockOffsetMeter {
  const { rest, clock, log } = deps;
  const meter = createClockOffsetMeter({
    ...{ rest, nowUs: clock.steadyUs, log },
    onOffset(offset) {
      deps.onSteadyOffset(offset);
      deps.onOffset(ofWall(offset).offsetMs);
    },
  });

  function ofWall(offset: ClockOffset): ClockOffset {
    const nowUs = clock.steadyUs();
    return { ...offset, offsetMs: offset.offsetMs + (clock.stampOf(nowUs) - nowUs) / 1000 };
  }

  return {
    ...meter,
    current() {
      const offset = meter.current();
      return offset && ofWall(offset);
    },
  };
}
