import { afterEach, expect, test } from "bun:test";
import { createFeed, type Feed } from "../../../../server/binance/feed/feed.ts";
import type { FeedGap } from "../../../../server/binance/gaps/feed-events.ts";
import {
  createStream,
  parseStreamName,
  parseStreamType,
  type Stream,
  type StreamType,
} from "../../../../server/domain/stream.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { createReceiveClock } from "../../../../server/platform/time/receive-clock.ts";
import { createSimulatedExchange, type SimulatedExchange } from "../../../../server/simulator/simulated-exchange.ts";
import { createScriptedSource } from "../../../support/simulator/scripted-source.ts";
import { until } from "../../../support/wait.ts";

const running: { stop(): void | Promise<void> }[] = [];
afterEach(async () => {
  for (const part of running.splice(0).reverse()) await part.stop();
});

const btc = parseStreamName("btcusdt@depth20@100ms") as Stream;
const eth = parseStreamName("ethusdt@depth20@100ms") as Stream;
const book = (id: number) => `{"lastUpdateId":${id},"bids":[["1.00","2.0"]],"asks":[]}`;

async function setUp(streams: readonly Stream[] = [btc, eth], options: { pingMs?: number; port?: number } = {}) {
  const source = createScriptedSource();
  const exchange: SimulatedExchange = createSimulatedExchange(options, { source, log: silentLog });
  running.push(exchange);
  const { wsUrl, port } = await exchange.start();
  const got = {
    data: [] as { stream: string; payload: string; recvUs: number }[],
    odd: [] as string[],
    gaps: [] as FeedGap[],
    epochs: [] as string[],
    dated: [] as { stream: string; eventMs: number }[],
    pings: [] as number[],
  };
  const feed: Feed = createFeed(
    { addresses: [wsUrl], streams },
    {
      nowUs: createReceiveClock().nowUs,
      log: silentLog,
      sink: {
        onData: ({ stream, payload, recvUs }) => got.data.push({ stream: stream.name, payload, recvUs }),
        onOdd: (reason) => got.odd.push(reason),
        onGaps: (gaps) => got.gaps.push(...gaps),
        onEpoch: (stream) => got.epochs.push(stream.name),
        onDated: (stream, eventMs) => got.dated.push({ stream: stream.name, eventMs }),
        onPing: (serverMs) => got.pings.push(serverMs),
      },
    },
  );
  running.push(feed);
  feed.start();
  const subscribed = () => until(() => streams.every(({ name }) => source.wants(name)), "the feed to be subscribed");
  await subscribed();
  const emit = (stream: Stream, id: number) => source.emit({ stream: stream.name, payload: book(id) });
  const received = (count: number) => until(() => got.data.length === count, `${count} messages`);
  return { source, exchange, feed, got, emit, subscribed, received, port };
}

test("what the exchange sends arrives in order, as its own text, with receipt times that do not decrease", async () => {
  const { got, emit, received } = await setUp();
  for (let id = 1; id <= 100; id++) emit(id % 2 === 0 ? btc : eth, id);
  await received(100);
  expect(got.data.map(({ payload }) => payload)).toEqual(Array.from({ length: 100 }, (_, n) => book(n + 1)));
  expect(got.data.every(({ recvUs }, n) => n === 0 || recvUs >= (got.data[n - 1]?.recvUs ?? 0))).toBe(true);
});

test("six hundred streams, and the diffs that date their books, are subscribed to completely, within Binance's rate of messages", async () => {
  const type = parseStreamType("depth20@100ms") as StreamType;
  const streams = Array.from({ length: 600 }, (_, n) => createStream(`LONGSYMBOLNAME${n}USDT`, type));
  const { feed, exchange } = await setUp(streams);
  expect(exchange.stats()).toMatchObject({ connections: 2, streams: 602 });
  expect(feed.connections().map(({ state }) => state)).toEqual(["open", "open"]);
});

for (const how of ["terminate", { code: 1001, reason: "going away" }] as const) {
  const name = how === "terminate" ? "cut without a word" : "closed by the exchange";
  test(`a connection that is ${name} comes back by itself, and the time between is a gap of each of its streams`, async () => {
    const { exchange, feed, got, emit, subscribed, received, source } = await setUp();
    emit(btc, 1);
    await received(1);
    exchange.disconnectAll(how);
    await until(() => !source.wants(btc.name), "the exchange to let go");
    await subscribed();
    emit(btc, 2);
    await received(2);
    await until(() => got.gaps.length === 2, "a gap of each stream");
    const span = { cause: "reconnect", fromUs: got.data[0]?.recvUs, toUs: got.data[1]?.recvUs, missing: null };
    expect(got.gaps).toEqual([btc, eth].map((stream) => expect.objectContaining({ stream, ...span })));
    expect(feed.connections()[0]).toMatchObject({ state: "open", reconnects: 1, last_error: null });
  });
}

test("while the exchange is away the feed keeps trying and says why; when it is back, data flows and one gap tells of it", async () => {
  const { exchange, feed, got, emit, received, port } = await setUp();
  emit(btc, 1);
  await received(1);
  await exchange.stop();
  await until(() => (feed.connections()[0]?.reconnects ?? 0) >= 2, "two vain attempts");
  expect(feed.connections()[0]?.last_error).toBe("no connection: refused, unreachable, or the name does not resolve");
  const again = createScriptedSource();
  const back = createSimulatedExchange({ port }, { source: again, log: silentLog });
  running.push(back);
  await back.start();
  await until(() => again.wants(btc.name), "the feed to come back", 30_000);
  again.emit({ stream: btc.name, payload: book(9) });
  await received(2);
  await until(() => got.gaps.length === 2, "a gap of each stream");
  expect(got.gaps.map(({ cause }) => cause)).toEqual(["exchange_down", "exchange_down"]);
}, 60_000);

test("a message that comes again, over the same connection or a new connection, is dropped and counted", async () => {
  const { exchange, feed, got, emit, subscribed, received, source } = await setUp();
  emit(btc, 5);
  emit(btc, 5);
  await until(() => feed.counts().duplicates === 1, "the repetition to be dropped");
  exchange.disconnectAll("terminate");
  await until(() => !source.wants(btc.name), "the exchange to let go");
  await subscribed();
  emit(btc, 5);
  emit(btc, 6);
  await received(2);
  expect(got.data.map(({ payload }) => payload)).toEqual([book(5), book(6)]);
  expect(feed.counts()).toMatchObject({ duplicates: 2, reconnects: 1 });
});

test("malformed messages are handed over as odd; data before and after is kept", async () => {
  const { got, emit, received, source } = await setUp();
  emit(btc, 1);
  for (const payload of ["{", "{}", "null", '{"lastUpdateId":"x","bids":[],"asks":[]}'])
    source.emit({ stream: btc.name, payload });
  emit(btc, 2);
  await received(2);
  expect(got.odd).toEqual([
    "not JSON",
    'depth20@100ms without a valid "lastUpdateId"',
    "not a combined stream's message",
    'depth20@100ms without a valid "lastUpdateId"',
  ]);
});

test("the exchange's clock is read from its pings, which are answered so that it keeps the connection", async () => {
  const { got, feed } = await setUp([btc], { pingMs: 20 });
  await until(() => got.pings.length >= 5, "five pings");
  for (const serverMs of got.pings) expect(Math.abs(serverMs - Date.now())).toBeLessThan(5000);
  expect(feed.connections()[0]).toMatchObject({ state: "open", reconnects: 0 });
});

test("after stop the feed neither delivers nor connects any more", async () => {
  const { exchange, feed, got, emit, received, source } = await setUp();
  emit(btc, 1);
  await received(1);
  feed.stop();
  feed.stop();
  await until(() => exchange.stats().connections === 0, "the connection to be closed");
  source.emit({ stream: btc.name, payload: book(2) });
  await Bun.sleep(600);
  expect(got.data).toHaveLength(1);
  expect(exchange.stats()).toMatchObject({ connections: 0, connectionsTotal: 1 });
});

test("books, which carry no event time, are dated by the diff of the same id on the same socket, whichever of the two comes first", async () => {
  const { source, got, emit, received } = await setUp([btc]);
  const diff = (id: number, eventMs: number) =>
    source.emit({
      stream: "btcusdt@depth@100ms",
      payload: `{"e":"depthUpdate","E":${eventMs},"s":"BTCUSDT","U":${id},"u":${id},"b":[],"a":[["1.0","2.0"]]}`,
    });
  await until(() => source.wants("btcusdt@depth@100ms"), "the diffs to be asked for");
  diff(7, 1_763_800_000_100);
  emit(btc, 7);
  emit(btc, 8);
  diff(8, 1_763_800_000_200);
  emit(btc, 9);
  await received(3);
  expect(got.dated.map(({ eventMs }) => eventMs)).toEqual([1_763_800_000_100, 1_763_800_000_200]);
  // The diffs themselves were not asked for by anybody.
  expect(got.data.map(({ stream }) => stream)).toEqual(Array(3).fill(btc.name));
});
