import { expect, test } from "bun:test";
import { createClockWatch } from "../../../server/app/time/clock-watch.ts";
import type { Gap } from "../../../server/domain/gap.ts";
import { createStream, parseStreamType, type StreamType } from "../../../server/domain/stream.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";

const trades = createStream("BTCUSDT", parseStreamType("trade") as StreamType);

test("a clock that is set every two seconds for an hour is recorded each time but logged only a few times", () => {
  const startMs = Date.UTC(2026, 10, 22, 12);
  let [passedMs, offMs] = [0, 0];
  const clock = createReceiveClock({ wallMs: () => startMs + passedMs + offMs, monotonicMs: () => passedMs });
  const lines: string[] = [];
  const gaps: Gap[] = [];
  let closed = 0;
  const watch = createClockWatch({
    clock,
    offset: () => ({ us: 0, boundUs: 0 }),
    streams: () => [trades],
    onStep: () => closed++,
    saveGaps: (news) => gaps.push(...news),
    updateGaps: () => {},
    log: createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line)),
  });
  for (let second = 0; second < 3600; second++) {
    passedMs += 1000;
    if (second % 2 === 1) offMs = offMs === 0 ? 20_000 : 0;
    clock.nowUs();
    watch.tick();
  }
  expect(closed).toBe(1800);
  expect(gaps.filter(({ cause }) => cause === "clock").length).toBe(900);
  const told = lines.filter((line) => line.includes("this machine's clock was set"));
  expect(told.length).toBeGreaterThan(20);
  expect(told.length).toBeLessThan(40);
  expect(told.some((line) => line.includes("two programs set the clock in turns"))).toBe(true);
  const more = told.reduce((sum, line) => sum + Number(/more_since_the_last_line=(\d+)/.exec(line)?.[1] ?? 0), 0);
  expect(told.length + more).toBeGreaterThan(1450);
});

test("a slow answer does not make a right clock look wrong; a quick answer shows that a clock is wrong", () => {
  for (const [boundUs, isTold] of [[2_700_000, false] as const, [50_000, true] as const]) {
    let passedMs = 0;
    const clock = createReceiveClock({
      wallMs: () => Date.UTC(2026, 10, 22, 12) + passedMs,
      monotonicMs: () => passedMs,
    });
    const lines: string[] = [];
    const watch = createClockWatch({
      clock,
      offset: () => ({ us: clock.steadyUs() - clock.nowUs() - 2_700_000, boundUs }),
      streams: () => [trades],
      onStep: () => {},
      saveGaps: () => {},
      updateGaps: () => {},
      log: createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line)),
    });
    passedMs += 1000;
    watch.tick();
    expect(lines.length).toBe(isTold ? 1 : 0);
    expect(watch.openGaps().length).toBe(isTold ? 1 : 0);
  }
});
