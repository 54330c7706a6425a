import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createBackpressure } from "../../../server/simulator/protocol/backpressure.ts";
import { createReplaySource } from "../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { connect, connectPaused } from "../../support/simulator/client.ts";
import { until } from "../../support/wait.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** 40,000 messages of 1 KB: far more than sockets and buffers hold. */
const count = 40_000;
const filler = "x".repeat(1000);
/** With its WebSocket header. */
const frameBytes = '{"t":100000,"f":""}'.length + filler.length + 4;

function writeRecording(): string {
  const path = join(temporaryFolder(), "long.jsonl");
  let text = "";
  for (let n = 0; n < count; n++) {
    const payload = `{"t":${100_000 + n},"f":"${filler}"}`;
    text += `${JSON.stringify({ t: 1_700_000_000_000 + n, raw: `{"stream":"btcusdt@trade","data":${payload}}` })}\n`;
  }
  writeFileSync(path, text);
  return path;
}

/** The system's buffers grow for a while before a reader that does not read is felt. */
async function untilSteady(count: () => number, what: string): Promise<void> {
  let last = 0;
  let same = 0;
  await until(() => {
    same = count() === last && last > 0 ? same + 1 : 0;
    last = count();
    return same > 40;
  }, what);
}

test("at full speed a recording waits for the slowest reader: every record arrives, little is buffered", async () => {
  const source = createReplaySource({ path: writeRecording(), speed: "max", loop: false });
  let buffered = 0;
  const exchange = createSimulatedExchange(
    {},
    {
      source,
      log: silentLog,
      onSent: ({ connection }) => {
        if (connection === 1) buffered = Math.max(buffered, exchange.stats().bufferedBytes);
      },
    },
  );
  stops.push(exchange.stop);
  const { wsUrl, port } = await exchange.start();
  const slow = await connectPaused(port, "/ws/btcusdt@trade");
  const fast = await connect(`${wsUrl}/ws/btcusdt@trade`);
  await untilSteady(source.played, "the slow reader to hold the others up");
  expect(source.played()).toBeLessThan(count / 2);
  expect(exchange.stats().bufferedBytes).toBeGreaterThan(1024 * 1024);
  slow.resume();
  expect(await source.ended).toEqual({ outcome: "complete", messages: count });
  await until(
    () => slow.received() > count * frameBytes && fast.received.at(-1)?.slice(5, 11) === String(100_000 + count - 1),
    "the last bytes",
  );
  // It came later, when the slow one had been sent what sockets and buffers hold.
  expect(fast.received.length).toBeGreaterThan(count / 2);
  const numbers = fast.received.map((text) => Number(text.slice(5, 11)));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => 100_000 + count - numbers.length + n));
  expect(buffered).toBeLessThan(2 * 1024 * 1024);
  expect(exchange.stats().slowClosed).toBe(0);
}, 60_000);

test("at full speed the synthetic market is paced by its reader too", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT"], seed: 1, speed: Number.POSITIVE_INFINITY });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  stops.push(exchange.stop);
  const { port } = await exchange.start();
  const slow = await connectPaused(port, "/ws/btcusdt@depth20@100ms");
  await untilSteady(() => exchange.stats().messagesSent, "the reader to hold the market up");
  const held = exchange.stats().messagesSent;
  slow.resume();
  await until(() => exchange.stats().messagesSent > held + 1000, "the market to go on");
});

test("a reader that leaves while it holds the others up holds them up no longer", async () => {
  const source = createReplaySource({ path: writeRecording(), speed: "max", loop: false });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  stops.push(exchange.stop);
  const { wsUrl, port } = await exchange.start();
  const slow = await connectPaused(port, "/ws/btcusdt@trade");
  const fast = await connect(`${wsUrl}/ws/btcusdt@trade`);
  await until(() => exchange.stats().bufferedBytes > 1024 * 1024, "the slow reader to hold the others up");
  slow.end();
  expect((await source.ended).outcome).toBe("complete");
  await until(() => fast.received.length > 0, "the fast reader's messages");
}, 60_000);

test("stopping does not wait for a reader that never reads", async () => {
  const source = createReplaySource({ path: writeRecording(), speed: "max", loop: true });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { port } = await exchange.start();
  const slow = await connectPaused(port, "/ws/btcusdt@trade");
  await until(() => exchange.stats().bufferedBytes > 1024 * 1024, "the reader to hold everything up");
  await exchange.stop();
  expect(await source.ended).toEqual({ outcome: "stopped" });
  slow.end();
});

test("in real time the market does not wait: a reader too far behind is closed, the others go on", async () => {
  const source = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHUSDT"], seed: 1, speed: 200 });
  const exchange = createSimulatedExchange({ maxBufferedBytes: 512 * 1024 }, { source, log: silentLog });
  stops.push(exchange.stop);
  const { wsUrl, port } = await exchange.start();
  const fast = await connect(`${wsUrl}/ws/btcusdt@depth20@100ms`);
  const slow = await connectPaused(port, "/ws/btcusdt@depth@100ms/btcusdt@depth20@100ms/ethusdt@depth20@100ms");
  await until(() => exchange.stats().slowClosed === 1, "the slow reader to be closed", 30_000);
  const before = fast.received.length;
  await until(() => fast.received.length > before + 20, "the fast reader to go on");
  expect(exchange.stats().connections).toBe(1);
  slow.end();
}, 60_000);

test("a reader lags from the upper bound on until it is below the lower one", async () => {
  const pressure = createBackpressure<string>(100, 10);
  pressure.update("a", 99);
  expect(pressure.wait()).toBeNull();
  pressure.update("a", 100);
  pressure.update("b", 500);
  let over = false;
  void pressure.wait()?.then(() => {
    over = true;
  });
  pressure.update("a", 11);
  pressure.update("b", 10);
  await Promise.resolve();
  expect(over).toBe(false);
  pressure.forget("a");
  await Promise.resolve();
  expect(over).toBe(true);
  expect(pressure.wait()).toBeNull();
});
