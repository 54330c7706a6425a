import { expect, test } from "bun:test";
import { createTimeAuthority } from "../../../server/app/time/time-authority.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";

const trueMs = Date.parse("2026-11-22T12:00:00Z");

/** A machine whose clocks the test sets, and an exchange that tells the true time. */
function setUp(aheadMs = 0) {
  const at = { wallMs: trueMs + aheadMs, monotonicMs: 1000, trueMs, events: null as number | null };
  const sources = { wallMs: () => at.wallMs, monotonicMs: () => at.monotonicMs };
  const clock = createReceiveClock(sources);
  const time = createTimeAuthority({ clock, sources, events: () => at.events });
  const pass = (ms: number) => {
    for (const key of ["wallMs", "monotonicMs", "trueMs"] as const) at[key] += ms;
    clock.steadyUs();
  };
  const ask = () => time.setOffset({ offsetMs: clock.steadyUs() / 1000 - at.trueMs, boundMs: 20 });
  const set = (ms: number) => {
    at.wallMs += ms;
    clock.steadyUs();
  };
  return { at, time, pass, ask, set };
}

test("the time is confirmed once the exchange's time is known, and settled once the clock has run without a step", () => {
  const { at, time, pass, ask } = setUp();
  expect(time.now()).toMatchObject({ kind: "unconfirmed", why: "the exchange's time is not known yet" });
  pass(1000);
  ask();
  const now = time.now();
  expect(now.kind).toBe("confirmed");
  expect(Math.abs((now.kind === "confirmed" ? now.us : 0) / 1000 - at.trueMs)).toBeLessThan(5);
  expect(time.settled()).toMatchObject({ kind: "unconfirmed", why: expect.stringContaining("without a step") });
  pass(15_000);
  expect(time.settled().kind).toBe("confirmed");
  pass(25 * 60_000);
  expect(time.now()).toMatchObject({ kind: "unconfirmed", why: expect.stringContaining("for 25 minutes") });
});

test("a clock that is wrong since the boot is never confirmed, however long it runs; the reason names the clock and what to do", () => {
  for (const [aheadMs, words] of [
    [60 * 86_400_000, "60 days ahead of"],
    [9 * 3_600_000, "9 hours ahead of"],
    [-trueMs + 5000, "days behind"],
    [-86_400_000, "24 hours behind"],
    [10 * 60_000, "10 minutes ahead of"],
  ] as const) {
    const { time, pass, ask } = setUp(aheadMs);
    for (let n = 0; n < 20; n++) {
      pass(600_000);
      ask();
      expect(time.now()).toMatchObject({ kind: "unconfirmed", why: expect.stringContaining(words) });
      expect(time.settled()).toMatchObject({ kind: "unconfirmed", why: expect.stringContaining("timedatectl") });
    }
  }
});

test("a step is detected at once, without another request; a step back to the right time settles after 15 s", () => {
  const { time, pass, ask, set } = setUp();
  ask();
  pass(60_000);
  expect(time.settled().kind).toBe("confirmed");
  set(60 * 86_400_000);
  expect(time.now().kind).toBe("unconfirmed");
  pass(12_000);
  expect(time.now().kind).toBe("unconfirmed");
  set(-60 * 86_400_000);
  expect([time.now().kind, time.settled().kind]).toEqual(["confirmed", "unconfirmed"]);
  pass(15_000);
  expect(time.settled().kind).toBe("confirmed");
});

test("if clock and exchange differ a little, the earlier time counts", () => {
  for (const aheadMs of [120_000, -120_000]) {
    const { at, time, pass, ask } = setUp(aheadMs);
    ask();
    pass(20_000);
    const settled = time.settled();
    const expected = Math.min(at.trueMs, at.wallMs);
    expect(Math.abs((settled.kind === "confirmed" ? settled.us : 0) / 1000 - expected)).toBeLessThan(5);
  }
});

test("if the exchange does not answer, the event times of its messages are used", () => {
  const { at, time, pass } = setUp();
  pass(20_000);
  expect(time.settled().kind).toBe("unconfirmed");
  at.events = 300;
  expect(time.settled().kind).toBe("confirmed");
  at.events = 9 * 3_600_000;
  expect(time.settled()).toMatchObject({ kind: "unconfirmed", why: expect.stringContaining("9 hours ahead") });
});
