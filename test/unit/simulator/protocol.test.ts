import { afterEach, expect, test } from "bun:test";
import { silentLog } from "../../../server/platform/log/log.ts";
import {
  createSimulatedExchange,
  type SentFrame,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";
import { connect, connectPaused } from "../../support/simulator/client.ts";
import { createScriptedSource } from "../../support/simulator/scripted-source.ts";
import { until } from "../../support/wait.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function start(options: SimulatedExchangeOptions = {}) {
  const source = createScriptedSource();
  const sent: SentFrame[] = [];
  const exchange = createSimulatedExchange(options, { source, onSent: (frame) => sent.push(frame), log: silentLog });
  stops.push(exchange.stop);
  return { source, sent, exchange, ...(await exchange.start()) };
}

const book = '{"lastUpdateId":7,"bids":[["1.00000000","2.00000000"]],"asks":[]}';
const trade = '{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":1,"T":1723161255342,"m":true,"M":true}';

test("a raw socket gets bare payloads of the streams in its path, and of no others", async () => {
  const { wsUrl, source, sent } = await start();
  const client = await connect(`${wsUrl}/ws/btcusdt@depth20@100ms/btcusdt@aggTrade`);
  source.emit({ stream: "ethusdt@aggTrade", payload: '{"none":"of yours"}' });
  source.emit({ stream: "btcusdt@depth20@100ms", payload: book }, { stream: "btcusdt@aggTrade", payload: trade });
  await client.next("two frames", (text) => text === trade);
  expect(client.received).toEqual([book, trade]);
  expect(sent).toEqual([
    { connection: 1, stream: "btcusdt@depth20@100ms", payload: book },
    { connection: 1, stream: "btcusdt@aggTrade", payload: trade },
  ]);
});

for (const query of [
  "btcusdt@depth20@100ms/btcusdt@aggTrade",
  "btcusdt%40depth20%40100ms%2Fbtcusdt%40aggTrade",
  encodeURIComponent("币安人生usdt@aggTrade/btcusdt@aggTrade"),
]) {
  test(`a combined socket gets payloads wrapped with their stream (streams=${query})`, async () => {
    const { wsUrl, source } = await start();
    const client = await connect(`${wsUrl}/stream?streams=${query}`);
    source.emit({ stream: "btcusdt@aggTrade", payload: trade });
    expect(await client.next("the trade")).toBe(`{"stream":"btcusdt@aggTrade","data":${trade}}`);
    expect(source.wants("币安人生usdt@aggTrade")).toBe(query.includes("%E5"));
  });
}

test("timeUnit=MICROSECOND turns event times into microseconds and leaves the rest as it is", async () => {
  const { wsUrl, source } = await start();
  const client = await connect(`${wsUrl}/stream?streams=btcusdt@aggTrade&timeUnit=MICROSECOND`);
  source.emit({ stream: "btcusdt@aggTrade", payload: trade });
  const { data } = JSON.parse(await client.next("the trade"));
  expect(data).toEqual({ ...JSON.parse(trade), E: 1723161255343000, T: 1723161255342000 });
});

test("any other path is refused with 404 and the exchange's words", async () => {
  const { restUrl } = await start();
  for (const path of ["/stream/ws/btcusdt@depth", "/wss", "/ws%zz/x"]) {
    const response = await fetch(restUrl + path, { headers: { upgrade: "websocket", connection: "Upgrade" } });
    expect([path, response.status, await response.text()]).toEqual([path, 404, "Invalid request path"]);
  }
});

test("streams are subscribed, listed and unsubscribed while the socket is open; nonsense is acknowledged and silent", async () => {
  const { wsUrl, source } = await start();
  const client = await connect(`${wsUrl}/ws`);
  client.send({ method: "SUBSCRIBE", params: ["btcusdt@aggTrade", "nix@depth30", "BTCUSDT@aggTrade"], id: 1 });
  expect(await client.next("the reply")).toBe('{"result":null,"id":1}');
  client.send({ method: "LIST_SUBSCRIPTIONS", id: "two" });
  expect(JSON.parse(await client.next("the list"))).toEqual({
    result: ["btcusdt@aggTrade", "nix@depth30", "BTCUSDT@aggTrade"],
    id: "two",
  });
  source.emit({ stream: "btcusdt@aggTrade", payload: trade });
  expect(await client.next("the trade")).toBe(trade);
  client.send({ method: "UNSUBSCRIBE", params: ["btcusdt@aggTrade", "never@subscribed"], id: null });
  expect(await client.next("the reply")).toBe('{"result":null,"id":null}');
  expect([source.wants("btcusdt@aggTrade"), source.wants("nix@depth30")]).toEqual([false, true]);
  source.emit({ stream: "btcusdt@aggTrade", payload: trade });
  client.send({ method: "LIST_SUBSCRIPTIONS", id: 4 });
  expect(JSON.parse(await client.next("the list"))).toMatchObject({ result: ["nix@depth30", "BTCUSDT@aggTrade"] });
});

test("subscribing twice delivers once", async () => {
  const { wsUrl, source } = await start();
  const client = await connect(`${wsUrl}/stream?streams=btcusdt@aggTrade/btcusdt@aggTrade`);
  client.send({ method: "SUBSCRIBE", params: ["btcusdt@aggTrade", "btcusdt@aggTrade"], id: 1 });
  await client.next("the reply");
  source.emit({ stream: "btcusdt@aggTrade", payload: trade });
  client.send({ method: "LIST_SUBSCRIPTIONS", id: 2 });
  expect(JSON.parse(await client.next("the list", (text) => text.includes('"id":2'))).result).toHaveLength(1);
  expect(client.received.filter((text) => text.includes("aggTrade") && text.includes("data"))).toHaveLength(1);
});

test("the combined property changes the wrapping of what follows", async () => {
  const { wsUrl, source } = await start();
  const client = await connect(`${wsUrl}/ws/btcusdt@aggTrade`);
  client.send({ method: "GET_PROPERTY", params: ["combined"], id: 1 });
  expect(await client.next("the reply")).toBe('{"result":false,"id":1}');
  client.send({ method: "SET_PROPERTY", params: ["combined", true], id: 2 });
  expect(await client.next("the reply")).toBe('{"result":null,"id":2}');
  source.emit({ stream: "btcusdt@aggTrade", payload: trade });
  expect(await client.next("the trade")).toBe(`{"stream":"btcusdt@aggTrade","data":${trade}}`);
});

const refusals: [request: object, code: number, words: string][] = [
  [{ method: "FOO", id: 1 }, 2, "Invalid request: unknown variant `FOO`, expected one of `SUBSCRIBE`"],
  [{ id: 1 }, 2, "Invalid request: missing field `method`"],
  [{ method: "SUBSCRIBE", id: 1 }, 2, "Invalid request: missing field `params`"],
  [{ method: "SUBSCRIBE", params: [7], id: 1 }, 2, "Invalid request: invalid type"],
  [{ method: "GET_PROPERTY", params: ["combined", 1], id: 1 }, 2, "Invalid request: too many parameters"],
  [{ method: "GET_PROPERTY", params: [1], id: 1 }, 2, "Invalid request: property name must be a string"],
  [{ method: "GET_PROPERTY", params: ["speed"], id: 1 }, 0, "Unknown property"],
  [{ method: "SET_PROPERTY", params: ["combined", "yes"], id: 1 }, 1, "Invalid value type: expected Boolean"],
];
for (const [request, code, words] of refusals) {
  test(`${JSON.stringify(request)} is refused with a nested error and the socket stays open`, async () => {
    const { wsUrl } = await start();
    const client = await connect(`${wsUrl}/ws`);
    client.send(request);
    const reply = JSON.parse(await client.next("the error"));
    expect(reply).toEqual({ error: { code, msg: expect.stringContaining(words) }, id: 1 });
    client.send({ method: "LIST_SUBSCRIPTIONS", id: 2 });
    expect(await client.next("a reply")).toBe('{"result":[],"id":2}');
  });
}

test("an id that is no integer, short text or null is refused", async () => {
  const { wsUrl } = await start();
  const client = await connect(`${wsUrl}/ws`);
  client.send({ method: "LIST_SUBSCRIPTIONS", id: 1.5 });
  expect(JSON.parse(await client.next("the error"))).toMatchObject({ error: { code: 2 }, id: null });
});

test("text that is not JSON closes the socket with 1008", async () => {
  const { wsUrl, exchange } = await start();
  const client = await connect(`${wsUrl}/ws/btcusdt@aggTrade`);
  client.send("{");
  await until(() => client.closed() !== null, "the close");
  expect(client.closed()).toEqual({ code: 1008, reason: "Invalid request" });
  expect(client.received).toEqual([]);
  expect(exchange.stats()).toMatchObject({ connections: 0, connectionsTotal: 1, streams: 0 });
});

test("five messages within a second are answered, the sixth closes the socket with 1008", async () => {
  const { wsUrl } = await start();
  const client = await connect(`${wsUrl}/ws`);
  for (let id = 1; id <= 6; id++) client.send({ method: "LIST_SUBSCRIPTIONS", id });
  await until(() => client.closed() !== null, "the close");
  expect(client.closed()).toEqual({ code: 1008, reason: "Too many requests" });
  expect(client.received.map((text) => JSON.parse(text).id)).toEqual([1, 2, 3, 4, 5]);
});

test("pings and pongs of the client count as messages, and pings are answered", async () => {
  const { wsUrl } = await start();
  const client = await connect(`${wsUrl}/ws`);
  const control = client.socket as unknown as { ping(data: string): void; pong(data: string): void };
  for (const payload of ["a", "b", "c"]) control.ping(payload);
  for (const payload of ["d", "e", "f"]) control.pong(payload);
  await until(() => client.closed() !== null, "the close");
  expect(client.pongs).toEqual(["a", "b", "c"]);
  expect(client.closed()).toEqual({ code: 1008, reason: "Too many requests" });
});

test("1024 streams are taken from the URL; one more costs the connection", async () => {
  const { wsUrl, exchange } = await start();
  const names = Array.from({ length: 1024 }, (_, n) => `symbol${n}usdt@depth20@100ms`);
  const client = await connect(`${wsUrl}/stream?streams=${names.join("/")}`);
  await until(() => exchange.stats().streams === 1024, "the subscriptions");
  client.send({ method: "SUBSCRIBE", params: [names[0]], id: 1 });
  expect(await client.next("the reply")).toBe('{"result":null,"id":1}');
  client.send({ method: "SUBSCRIBE", params: ["one@trade"], id: 2 });
  expect(JSON.parse(await client.next("the error"))).toEqual({
    error: { code: 4, msg: "Too many subscriptions" },
    id: 2,
  });
  await until(() => client.closed() !== null, "the close");
  expect(client.closed()).toEqual({ code: 1008, reason: "Invalid request" });
});

test("the server pings with its clock in ms, and whoever answers stays", async () => {
  const { wsUrl } = await start({ pingMs: 20, pongTimeoutMs: 50, incomingPerSecond: 1000 });
  const client = await connect(`${wsUrl}/ws`);
  await until(() => client.pings.length >= 8, "eight pings");
  for (const payload of client.pings) expect(Math.abs(Number(payload) - Date.now())).toBeLessThan(5000);
  expect(client.closed()).toBeNull();
});

test("a client that answers no ping is cut after the deadline", async () => {
  const { port, exchange } = await start({ pingMs: 20, pongTimeoutMs: 50 });
  const client = await connectPaused(port, "/ws/btcusdt@aggTrade");
  client.resume();
  await until(() => exchange.stats().connections === 0, "the cut");
  await until(() => client.closed(), "the end of the connection");
});

test("a pong that copies no ping does not keep the connection alive", async () => {
  const { port, exchange } = await start({ pingMs: 20, pongTimeoutMs: 60, incomingPerSecond: 1000 });
  const client = await connectPaused(port, "/ws");
  client.resume();
  await until(() => {
    client.pong("unasked");
    return exchange.stats().connections === 0;
  }, "the cut");
  client.end();
});

test("disconnectAll closes every socket with the code and words given, or cuts TCP without a close frame", async () => {
  const { wsUrl, exchange } = await start();
  const first = [await connect(`${wsUrl}/ws`), await connect(`${wsUrl}/stream`)];
  exchange.disconnectAll({ code: 1012, reason: "upgrade" });
  await until(() => first.every((client) => client.closed() !== null), "both closes");
  expect(first.map((client) => client.closed())).toEqual(Array(2).fill({ code: 1012, reason: "upgrade" }));
  const second = await connect(`${wsUrl}/ws`);
  exchange.disconnectAll("terminate");
  await until(() => second.closed() !== null, "the cut");
  expect(second.closed()?.code).toBe(1006);
  expect(exchange.stats().connections).toBe(0);
});

test("stop says goodbye, frees the port, and may be called again", async () => {
  const { wsUrl, port, exchange } = await start();
  const client = await connect(`${wsUrl}/ws`);
  await exchange.stop();
  await exchange.stop();
  await until(() => client.closed() !== null, "the close");
  expect(client.closed()?.code).toBe(1001);
  const again = createSimulatedExchange({ port }, { source: createScriptedSource(), log: silentLog });
  expect((await again.start()).port).toBe(port);
  await expect(
    createSimulatedExchange({ port }, { source: createScriptedSource(), log: silentLog }).start(),
  ).rejects.toThrow(`the exchange cannot listen on 127.0.0.1:${port}`);
  await again.stop();
});

test("if the source cannot start, the port is closed again", async () => {
  const source = { ...createScriptedSource(), start: () => Promise.reject(new Error("no such recording")) };
  const probe = createSimulatedExchange({}, { source: createScriptedSource(), log: silentLog });
  const { port, restUrl } = await probe.start();
  await probe.stop();
  await expect(createSimulatedExchange({ port }, { source, log: silentLog }).start()).rejects.toThrow(
    "no such recording",
  );
  await expect(fetch(`${restUrl}/api/v3/ping`)).rejects.toThrow();
});
