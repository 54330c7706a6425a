import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createStallWatch } from "../../../server/simulator/protocol/stall-watch.ts";
import { createReplaySource } from "../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { connect, connectPaused } from "../../support/simulator/client.ts";
import { until } from "../../support/wait.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** 30,000 messages of 1 KB: far more than sockets and buffers hold. */
const count = 30_000;

function writeRecording(): string {
  const path = join(temporaryFolder(), "long.jsonl");
  const lines = Array.from({ length: count }, (_, n) => {
    const raw = `{"stream":"btcusdt@trade","data":{"t":${100_000 + n},"f":"${"x".repeat(1000)}"}}`;
    return JSON.stringify({ t: 1_700_000_000_000 + n, raw });
  });
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

async function serve(stall: { leastBytes: number; windowMs: number } | null) {
  const source = createReplaySource({ path: writeRecording(), speed: "max", loop: false });
  const exchange = createSimulatedExchange(
    { maxBufferedBytes: Number.POSITIVE_INFINITY, stall },
    { source, log: silentLog },
  );
  stops.push(exchange.stop);
  return { source, exchange, ...(await exchange.start()) };
}

test("clients that never read are cut after a while, and the client that reads gets everything", async () => {
  const { source, exchange, wsUrl, port } = await serve({ leastBytes: 64 * 1024, windowMs: 500 });
  const reader = await connect(`${wsUrl}/ws/btcusdt@trade`);
  for (let n = 0; n < 3; n++) await connectPaused(port, "/ws/btcusdt@trade");
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, exchange.stats().bufferedBytes);
  }, 20);
  expect(await source.ended).toEqual({ outcome: "complete", messages: count });
  await until(() => reader.received.length === count, "the last message", 30_000);
  clearInterval(watch);
  expect(exchange.stats()).toMatchObject({ slowClosed: 3, connections: 1 });
  console.log(`waiting for four clients together: ${(most / 1e6).toFixed(1)} MB at most`);
  expect(most).toBeLessThan(4 * 2 * 1024 * 1024);
}, 60_000);

test("without the limit it waits: a client that reads again later gets everything that it had not", async () => {
  const { source, exchange, port } = await serve(null);
  const paused = await connectPaused(port, "/ws/btcusdt@trade");
  await until(() => exchange.stats().bufferedBytes > 1024 * 1024, "it to lag", 30_000);
  expect(source.played()).toBeLessThan(count);
  paused.resume();
  expect((await source.ended).outcome).toBe("complete");
  expect(exchange.stats().slowClosed).toBe(0);
}, 60_000);

test("a client that reads is recognized by the bytes it takes, however slowly more are sent", () => {
  const watch = createStallWatch<string>({ leastBytes: 1000, windowMs: 10_000 });
  const waiting: Record<string, number> = { slow: 0, drip: 0, still: 0, idle: 0 };
  const found: string[] = [];
  for (let second = 0; second < 25; second++) {
    for (const reader of ["slow", "drip", "still"]) {
      watch.sent(reader, 500);
      waiting[reader] = (waiting[reader] ?? 0) + 500;
    }
    watch.sent("idle", 500);
    waiting.slow = Math.max(100, (waiting.slow ?? 0) - 300);
    waiting.drip = (waiting.drip ?? 0) - 1;
    const stalled = watch.stalled(second * 1000, (reader) => waiting[reader] ?? 0);
    for (const reader of stalled) {
      found.push(`${reader} ${second}`);
      watch.forget(reader);
    }
    if (stalled.includes("drip")) waiting.drip = 0;
  }
  expect(found).toContain("drip 10");
  expect(found).toContain("still 10");
  expect(found.some((name) => name.startsWith("slow") || name.startsWith("idle"))).toBe(false);
});
