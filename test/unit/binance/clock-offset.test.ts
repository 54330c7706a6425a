import { afterEach, expect, test } from "bun:test";
import { type ClockOffset, createClockOffsetMeter } from "../../../server/binance/rest/clock-offset.ts";
import { createRestClient } from "../../../server/binance/rest/rest-client.ts";
import { createLog } from "../../../server/platform/log/log.ts";
import { createReceiveClock } from "../../../server/platform/time/receive-clock.ts";
import { until } from "../../support/wait.ts";

const running: { stop(): unknown }[] = [];
afterEach(() => {
  for (const part of running.splice(0).reverse()) part.stop();
});

function setUp(answer: (n: number) => Response | Promise<Response>) {
  let asked = 0;
  const clock = { aheadMs: 0 };
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer(asked++) });
  running.push(server);
  const offsets: ClockOffset[] = [];
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const rest = createRestClient({ restUrl: `http://127.0.0.1:${server.port}` }, { log });
  const { nowUs } = createReceiveClock({
    wallMs: () => Date.now() + clock.aheadMs,
    monotonicMs: () => performance.now(),
  });
  const meter = createClockOffsetMeter({ rest, nowUs, log, onOffset: (offset) => offsets.push(offset) });
  running.push(meter, rest);
  meter.start();
  return { meter, offsets, lines, clock, rest, asked: () => asked };
}

test("the answer with the shortest round trip is believed, and the bound it gives holds", async () => {
  const aheadMs = 1234;
  const { meter, offsets, asked } = setUp(async (n) => {
    if (n !== 3) await Bun.sleep(40);
    return Response.json({ serverTime: Date.now() - aheadMs });
  });
  await until(() => offsets.length === 1, "an offset");
  expect(asked()).toBe(5);
  const { offsetMs, boundMs } = offsets[0] as ClockOffset;
  expect(boundMs).toBeLessThan(15);
  expect(Math.abs(offsetMs - aheadMs)).toBeLessThanOrEqual(boundMs + 1.5);
  expect(meter.current()).toEqual(offsets[0] as ClockOffset);
});

test("the round trip is that of the request, not of its wait behind others", async () => {
  const { meter, offsets, rest } = setUp(async () => {
    await Bun.sleep(20);
    return Response.json({ serverTime: Date.now() });
  });
  for (let n = 0; n < 10; n++) void rest.get("/api/v3/time", {}, { weight: 1, priority: "high" });
  meter.start();
  await until(() => offsets.length === 1, "an offset");
  expect(offsets[0]?.boundMs).toBeLessThan(20);
});

test("a stepped clock is measured again at once, and a measurement across the step is discarded", async () => {
  const { meter, offsets, clock, asked } = setUp(async () => {
    await Bun.sleep(10);
    return Response.json({ serverTime: Date.now() });
  });
  await until(() => asked() === 3, "the third of five questions");
  clock.aheadMs = 60_000;
  meter.measureNow();
  await until(() => offsets.length === 1, "an offset");
  const { offsetMs, boundMs } = offsets[0] as ClockOffset;
  expect(Math.abs(offsetMs - 60_000)).toBeLessThanOrEqual(boundMs + 1.5);
  expect(asked()).toBeLessThanOrEqual(9);
});

test("an answer that was waited for while the machine slept is not believed, however short its round trip seems", async () => {
  let sleptMs = 0;
  const { offsets, clock } = setUp(async (n) => {
    if (n !== 2) await Bun.sleep(30);
    else {
      sleptMs = 60_000;
      clock.aheadMs = sleptMs;
    }
    return Response.json({ serverTime: Date.now() + sleptMs });
  });
  await until(() => offsets.length === 1, "an offset");
  const { offsetMs, boundMs } = offsets[0] as ClockOffset;
  expect(boundMs).toBeLessThan(1000);
  expect(Math.abs(offsetMs)).toBeLessThanOrEqual(boundMs + 1.5);
});

test("a time in microseconds is read as such, to a thousandth of a millisecond", async () => {
  const aheadMs = 1234;
  const { offsets } = setUp(() => Response.json({ serverTime: Math.round((Date.now() - aheadMs) * 1000) }));
  await until(() => offsets.length === 1, "an offset");
  const { offsetMs, boundMs } = offsets[0] as ClockOffset;
  expect(Math.abs(offsetMs - aheadMs)).toBeLessThanOrEqual(boundMs + 1.5);
});

test("a new member beside the time is counted and told once, and the time is used", async () => {
  const { offsets, lines, rest, asked } = setUp(() => Response.json({ region: "x", serverTime: Date.now() }));
  await until(() => offsets.length === 1, "an offset");
  expect(rest.status().unusual).toBe(asked());
  expect(lines.filter((line) => line.includes("new form"))).toHaveLength(1);
});

for (const [name, answer, told] of [
  ["a time in seconds", () => Response.json({ serverTime: 1_795_000_000 }), "cannot ask the exchange for its time"],
  ["a time as text", () => Response.json({ serverTime: "1795000000000" }), "cannot ask the exchange for its time"],
  ["an error status", () => new Response("", { status: 451 }), "HTTP 451: it does not serve this country"],
  ["an answer that is no JSON", () => new Response("<html>"), "HTTP 200 that is not JSON"],
  ["an answer without a time", () => Response.json({}), "cannot ask the exchange for its time"],
] as const) {
  test(`${name} leaves the offset unknown and is told once, not thrown`, async () => {
    const { meter, lines, asked } = setUp(answer);
    await until(() => lines.length === 1, "the log line");
    expect(lines[0]).toContain(told);
    expect(meter.current()).toBeNull();
    expect(asked()).toBe(1);
  });
}
