import { afterEach, expect, test } from "bun:test";
import { type ClockOffset, createClockOffsetMeter } from "../../server/binance/clock-offset.ts";
import { createLog } from "../../server/log.ts";
import { until } from "../support/wait.ts";

const running: { stop(): unknown }[] = [];
afterEach(() => {
  for (const part of running.splice(0)) part.stop();
});

function setUp(answer: (n: number) => Response | Promise<Response>) {
  let asked = 0;
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer(asked++) });
  running.push(server);
  const offsets: ClockOffset[] = [];
  const lines: string[] = [];
  const log = createLog({ level: "info", format: "text", color: false }, (line) => lines.push(line));
  const meter = createClockOffsetMeter(
    { restUrl: `http://127.0.0.1:${server.port}` },
    { log, onOffset: (offset) => offsets.push(offset) },
  );
  running.push(meter);
  meter.start();
  return { meter, offsets, lines, asked: () => asked };
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

for (const [name, answer] of [
  ["an error status", () => new Response("", { status: 451 })],
  ["an answer that is no JSON", () => new Response("<html>")],
  ["an answer without a time", () => Response.json({})],
] as const) {
  test(`${name} leaves the offset unknown and is told once, not thrown`, async () => {
    const { meter, lines, asked } = setUp(answer);
    await until(() => lines.length === 1, "the log line");
    expect(lines[0]).toContain("cannot ask the exchange for its time");
    expect(meter.current()).toBeNull();
    expect(asked()).toBe(1);
  });
}
