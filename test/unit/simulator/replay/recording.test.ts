import { afterEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { archivePath, manifestPath, segmentPath } from "../../../../server/domain/day.ts";
import { encodeBackfilledLine, encodeLine } from "../../../../server/domain/line.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import type { MarketEvent } from "../../../../server/simulator/protocol/market-source.ts";
import { createReplaySource, type RecordingOptions } from "../../../../server/simulator/replay/replay-source.ts";
import { createSimulatedExchange } from "../../../../server/simulator/simulated-exchange.ts";
import { temporaryFolder } from "../../../support/folder.ts";
import { connect } from "../../../support/simulator/client.ts";
import { realDataDir, realDataMissing, realMessages } from "../../../support/simulator/real-data.ts";
import { until } from "../../../support/wait.ts";

const stops: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const t0 = 1_700_000_000_000;

/** Plays to the end, or until this many messages, and returns the emitted events. */
async function play(options: Partial<RecordingOptions> & { path: string }, most = Number.POSITIVE_INFINITY) {
  const source = createReplaySource({ speed: "max", loop: false, ...options });
  stops.push(source.stop);
  const events: MarketEvent[] = [];
  await source.start((batch) => events.push(...batch));
  if (most === Number.POSITIVE_INFINITY) {
    const end = await source.ended;
    if (end.outcome === "failed") throw end.error;
    expect(end).toEqual({ outcome: "complete", messages: events.length });
  } else {
    await until(() => events.length >= most, `${most} messages`, 30_000);
    await source.stop();
    expect(await source.ended).toEqual({ outcome: "stopped" });
  }
  return { source, events };
}

function write(path: string, text: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function rawLine(t: number, stream: string, payload: string): string {
  return `${JSON.stringify({ t, raw: `{"stream":"${stream}","data":${payload}}` })}\n`;
}

const diff = (U: number, u: number, E = t0) =>
  `{"e":"depthUpdate","E":${E},"s":"BTCUSDT","U":${U},"u":${u},"b":[["10.50000000","${u}.00000000"]],"a":[]}`;
const aggTrade = (a: number, E = t0) =>
  `{"e":"aggTrade","E":${E},"s":"BTCUSDT","a":${a},"p":"10.00000000","q":"1.00000000","f":${a * 2},"l":${a * 2 + 1},"T":${E - 1},"m":true,"M":true}`;
const partial = (id: number) => `{"lastUpdateId":${id},"bids":[["10.00000000","2.50000000"]],"asks":[]}`;

for (const [ending, pack] of [
  ["jsonl", (text: string) => Buffer.from(text)],
  ["jsonl.gz", (text: string) => gzipSync(text)],
  ["jsonl.zst", (text: string) => zstdCompressSync(text)],
] as const) {
  test(`a file of raw lines (.${ending}) is played in its order, byte for byte; lines without a message are skipped`, async () => {
    const lines = [
      rawLine(t0, "btcusdt@aggTrade", aggTrade(1)),
      '{"t":1700000000001,"raw":"{\\"result\\":null,\\"id\\":1}"}\n\n',
      rawLine(t0 + 5, "btcusdt@depth20@100ms", partial(7)),
      rawLine(t0 + 3, "btcusdt@kline_1m", '{"e":"kline","s":"BTCUSDT","k":{"c":"1.0"}}'),
      rawLine(t0 + 9, "btcusdt@aggTrade", aggTrade(2)),
      rawLine(t0 + 10, "btcusdt@aggTrade", aggTrade(3)).slice(0, -9),
    ];
    const path = write(join(temporaryFolder(), `capture.${ending}`), pack(lines.join("")));
    const { events, source } = await play({ path });
    expect(events).toEqual([
      { stream: "btcusdt@aggTrade", payload: aggTrade(1) },
      { stream: "btcusdt@depth20@100ms", payload: partial(7) },
      { stream: "btcusdt@kline_1m", payload: '{"e":"kline","s":"BTCUSDT","k":{"c":"1.0"}}' },
      { stream: "btcusdt@aggTrade", payload: aggTrade(2) },
    ]);
    expect(source.exchangeInfo()).toEqual([
      expect.objectContaining({
        symbol: "BTCUSDT",
        baseAsset: "BTC",
        tickDecimals: 0,
        lotDecimals: 1,
        pricePrecision: 8,
      }),
    ]);
  });
}

test("messages of a raw socket are assigned to streams by their own members", async () => {
  const ticker = '{"u":4,"s":"BTCUSDT","b":"1.0","B":"1.0","a":"2.0","A":"1.0"}';
  const lines = [aggTrade(1), diff(1, 2), ticker, partial(2)].map((raw) => `${JSON.stringify({ t: t0, raw })}\n`);
  const { events } = await play({ path: write(join(temporaryFolder(), "raw.jsonl"), lines.join("")) });
  expect(events.map((event) => event.stream)).toEqual([
    "btcusdt@aggTrade",
    "btcusdt@depth@100ms",
    "btcusdt@bookTicker",
  ]);
});

test("a folder of raw files is played as one, by receipt time", async () => {
  const folder = temporaryFolder();
  write(join(folder, "a.jsonl"), [1, 4, 5].map((n) => rawLine(t0 + n, "btcusdt@aggTrade", aggTrade(n))).join(""));
  write(join(folder, "b.jsonl.gz"), gzipSync([2, 3, 6].map((n) => rawLine(t0 + n, "x@trade", `{"t":${n}}`)).join("")));
  write(join(folder, "README.md"), "not a recording");
  const { events } = await play({ path: folder });
  expect(events.map(({ stream }) => stream.slice(0, 1)).join("")).toBe("bxxbbx");
});

/** A data folder with two days, one merged, of two streams; and the messages it should play. */
function writeDataFolder(): { folder: string; expected: MarketEvent[] } {
  const folder = temporaryFolder();
  const dayUs = 1_700_006_400_000_000;
  const all: { recvUs: number; event: MarketEvent }[] = [];
  const lines = (from: number, to: number, step: number, stream: string, payload: (n: number) => string) => {
    let text = "";
    for (let n = from; n < to; n += step) {
      const recvUs = dayUs + n * 1_000_000;
      text += encodeLine(payload(n + 10_000), recvUs, n % 2 === 0 ? null : 7);
      all.push({ recvUs, event: { stream, payload: payload(n + 10_000) } });
    }
    return text;
  };
  const leftOver = encodeLine(aggTrade(1), dayUs, null);
  const trades = { stream: "aggTrade", symbol: "BTCUSDT" };
  const books = { stream: "depth20", symbol: "BTCUSDT" };
  const today = "2023-11-15";
  const yesterday = "2023-11-14";
  const merged = { ...trades, date: yesterday };
  write(archivePath(folder, merged), zstdCompressSync(lines(-3000, 0, 7, "btcusdt@aggTrade", aggTrade)));
  write(manifestPath(folder, merged), "{}");
  write(segmentPath(folder, { ...merged, name: "23-55" }, "sealed"), zstdCompressSync(leftOver));
  const sealed = { ...trades, date: today, name: "00-00" };
  write(segmentPath(folder, sealed, "sealed"), zstdCompressSync(lines(0, 300, 7, "btcusdt@aggTrade", aggTrade)));
  write(segmentPath(folder, sealed, "open"), leftOver);
  const second = lines(301, 400, 7, "btcusdt@aggTrade", aggTrade);
  write(segmentPath(folder, { ...trades, date: today, name: "00-00_02" }, "open"), `${second}{"recv_us":17000`);
  write(
    segmentPath(folder, { ...trades, date: today, name: "00-05" }, "open"),
    lines(401, 500, 7, "btcusdt@aggTrade", aggTrade),
  );
  const depth20 = "btcusdt@depth20@100ms";
  write(
    segmentPath(folder, { ...books, date: yesterday, name: "23-05" }, "open"),
    lines(-2999, 0, 5, depth20, partial),
  );
  write(segmentPath(folder, { ...books, date: today, name: "00-00" }, "open"), lines(1, 300, 5, depth20, partial));
  write(join(folder, "live/stream=depth20/symbol=BTCUSDT/date=2023-11-15/00-05.jsonl.tmp"), "half written");
  const order = (stream: string) => (stream.includes("aggTrade") ? 0 : 1);
  all.sort((a, b) => a.recvUs - b.recvUs || order(a.event.stream) - order(b.event.stream));
  return { folder, expected: all.map(({ event }) => event) };
}

test("a data folder is played from archives and segments, each record once, by receipt time", async () => {
  const { folder, expected } = writeDataFolder();
  const { events, source } = await play({ path: folder });
  expect(events).toEqual(expected);
  expect(events.length).toBeGreaterThan(1000);
  expect(source.exchangeInfo().map((info) => info.symbol)).toEqual(["BTCUSDT"]);
});

test("a refetched trade comes back in the form that it has on the stream", async () => {
  const folder = temporaryFolder();
  const rest = '{"a":5,"p":"10.00000000","q":"1.00000000","f":10,"l":11,"T":1700000000000,"m":true,"M":true}';
  const line = encodeBackfilledLine(rest, t0 * 1000);
  write(
    segmentPath(folder, { stream: "aggTrade", symbol: "BTCUSDT", date: "2023-11-14", name: "22-10" }, "open"),
    line,
  );
  const { events } = await play({ path: folder });
  expect(events.map((event) => JSON.parse(event.payload))).toEqual([
    { e: "aggTrade", E: t0, s: "BTCUSDT", ...JSON.parse(rest) },
  ]);
});

test("a refetched trade of the trade stream is put back from REST's words into those of the stream", async () => {
  const folder = temporaryFolder();
  const rest = `{"id":77,"price":"10.50000000","qty":"2.00000000","quoteQty":"21.00000000","time":${t0},"isBuyerMaker":false,"isBestMatch":true}`;
  const segment = { stream: "trade", symbol: "BTCUSDT", date: "2023-11-14", name: "22-10_02" };
  write(segmentPath(folder, segment, "open"), encodeBackfilledLine(rest, t0 * 1000));
  const { events } = await play({ path: folder });
  expect(events.map((event) => event.payload)).toEqual([
    `{"e":"trade","E":${t0},"s":"BTCUSDT","t":77,"p":"10.50000000","q":"2.00000000","T":${t0},"m":false,"M":true}`,
  ]);
});

test("refetched trades of the last window are played where they belong by time, and the messages after them as well", async () => {
  const folder = temporaryFolder();
  const segment = { stream: "aggTrade", symbol: "BTCUSDT", date: "2023-11-14", name: "22-10" };
  const live = [1, 2, 5, 6].map((id) => encodeLine(aggTrade(id, t0 + id), (t0 + id) * 1000, 5));
  const refetched = [3, 4].map((id) => {
    const rest = `{"a":${id},"p":"10.00000000","q":"1.00000000","f":1,"l":1,"T":${t0 + id},"m":true,"M":true}`;
    return encodeBackfilledLine(rest, (t0 + id) * 1000);
  });
  write(segmentPath(folder, segment, "open"), live.join(""));
  write(segmentPath(folder, { ...segment, name: "22-10_02" }, "sealed"), zstdCompressSync(refetched.join("")));
  const { events } = await play({ path: folder });
  expect(events.map(({ payload }) => JSON.parse(payload).a)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a path that cannot be played is refused with the path and a hint", async () => {
  const folder = temporaryFolder();
  const start = (path: string) => play({ path });
  await expect(start(join(folder, "nix.jsonl"))).rejects.toThrow(/cannot play .*nix\.jsonl: ENOENT.*exists/);
  await expect(start(folder)).rejects.toThrow(/it holds no recording/);
  await expect(start(write(join(folder, "empty.jsonl"), ""))).rejects.toThrow(/it holds no message of any stream/);
  await expect(start(write(join(folder, "bad.jsonl.gz"), "no gzip"))).rejects.toThrow(/cannot play .*bad\.jsonl\.gz/);
  await expect(start(write(join(folder, "prose.jsonl"), "Hello\n"))).rejects.toThrow(
    /prose\.jsonl: it holds no message/,
  );
});

test("a loop raises ids and event times so that they continue from round to round, and leaves the rest as it is", async () => {
  const lines = [
    rawLine(t0, "btcusdt@depth@100ms", diff(101, 105, t0 - 5)),
    rawLine(t0, "btcusdt@depth20@100ms", partial(105)),
    rawLine(t0 + 40, "btcusdt@aggTrade", aggTrade(31, t0 + 35)),
    rawLine(t0 + 100, "btcusdt@depth@100ms", diff(106, 110, t0 + 95)),
    rawLine(t0 + 100, "btcusdt@depth20@100ms", partial(110)),
    rawLine(t0 + 160, "btcusdt@aggTrade", aggTrade(32, t0 + 155)),
  ];
  const path = write(join(temporaryFolder(), "loop.jsonl"), lines.join(""));
  const { events } = await play({ path, loop: true }, 18);
  const period = 260;
  const round = (n: number) => [
    diff(101 + 10 * n, 105 + 10 * n, t0 - 5 + period * n).replace(
      /"b".*/,
      '"b":[["10.50000000","105.00000000"]],"a":[]}',
    ),
    partial(105 + 10 * n),
    aggTrade(31 + 2 * n, t0 + 35 + period * n),
    diff(106 + 10 * n, 110 + 10 * n, t0 + 95 + period * n).replace(
      /"b".*/,
      '"b":[["10.50000000","110.00000000"]],"a":[]}',
    ),
    partial(110 + 10 * n),
    aggTrade(32 + 2 * n, t0 + 155 + period * n),
  ];
  expect(events.slice(0, 18).map((event) => event.payload)).toEqual([...round(0), ...round(1), ...round(2)]);
});

for (const file of [
  "raw-depth+trade+bookTicker.btc-eth.2024-08-08.jsonl.gz",
  "raw-depth+aggTrade+kline.btc-eth-dot.2021-04-04.jsonl.gz",
]) {
  test.skipIf(realDataMissing !== "")(
    `looped, the real messages of ${file} keep their diff chains and rising ids and times${realDataMissing}`,
    async () => {
      const length = realMessages(file).length;
      const { events } = await play({ path: join(realDataDir, file), loop: true }, 2.5 * length);
      const last = new Map<string, Record<string, number>>();
      let seams = 0;
      events.forEach(({ stream, payload }, n) => {
        const now = JSON.parse(payload) as Record<string, number>;
        const before = last.get(stream);
        last.set(stream, now);
        if (before === undefined) return;
        for (const member of ["E", "T", "a", "t", "u"]) {
          if (typeof now[member] !== "number") continue;
          const rises =
            member === "E" || member === "T"
              ? now[member] >= (before[member] ?? 0)
              : now[member] > (before[member] ?? 0);
          if (!rises) throw new Error(`message ${n}, ${stream}: ${member} ${before[member]} then ${now[member]}`);
        }
        if (stream.endsWith("@depth@100ms") && now.U !== (before.u ?? 0) + 1) {
          // Where a round begins the bookTicker may have come further than the diffs.
          seams += 1;
          expect(n % length).toBeLessThan(50);
          expect(now.U).toBeGreaterThan(before.u ?? 0);
        }
        if (/@(agg)?[tT]rade$/.test(stream)) expect(now.t ?? now.a).toBe((before.t ?? before.a ?? 0) + 1);
      });
      expect(seams).toBeLessThanOrEqual(2);
    },
    20_000,
  );
}

test("time stands still while no stream of the recording has a subscriber", async () => {
  const lines = Array.from({ length: 2000 }, (_, n) => rawLine(t0 + n, "btcusdt@aggTrade", aggTrade(n + 1)));
  const path = write(join(temporaryFolder(), "two-seconds.jsonl"), lines.join(""));
  const source = createReplaySource({ path, speed: 5, loop: false });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  stops.push(exchange.stop);
  const { wsUrl } = await exchange.start();
  const stranger = await connect(`${wsUrl}/ws/ethusdt@aggTrade`);
  stranger.send({ method: "LIST_SUBSCRIPTIONS", id: 1 });
  await stranger.next("the reply");
  expect(source.played()).toBe(0);
  const first = await connect(`${wsUrl}/ws/btcusdt@aggTrade`);
  await until(() => first.received.length > 200, "some messages");
  first.socket.close();
  await until(() => exchange.stats().streams === 1, "the first to be gone");
  const paused = source.played();
  stranger.send({ method: "LIST_SUBSCRIPTIONS", id: 2 });
  await stranger.next("the reply");
  await Bun.sleep(50);
  expect(source.played()).toBe(paused);
  expect(paused).toBeLessThan(2000);
  const second = await connect(`${wsUrl}/ws/btcusdt@aggTrade`);
  expect(JSON.parse(await second.next("a message")).a).toBe(paused + 1);
  expect(await source.ended).toEqual({ outcome: "complete", messages: 2000 });
});

test("playing takes as long as receiving took, divided by the speed; a long gap is passed over", async () => {
  const times = [0, 100, 3000, 3_600_000_000];
  const lines = times.map((ms, n) => rawLine(t0 + ms, "btcusdt@aggTrade", aggTrade(n + 1)));
  const path = write(join(temporaryFolder(), "silence.jsonl"), lines.join(""));
  const started = performance.now();
  const at: number[] = [];
  const source = createReplaySource({ path, speed: 100, loop: false });
  stops.push(source.stop);
  await source.start((batch) => at.push(...batch.map(() => performance.now() - started)), {
    wants: () => true,
    pressure: () => null,
  });
  expect((await source.ended).outcome).toBe("complete");
  expect(at[2]).toBeGreaterThanOrEqual(29);
  expect(at[3]).toBeLessThan(3_600_000_000 / 100);
});

test("REST answers from the messages played so far: the recorded book with the diffs since, and the trades", async () => {
  const url = "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000";
  const raw =
    '{"lastUpdateId":107,"bids":[["10.50000000","9.00000000"],["10.00000000","1.00000000"]],"asks":[["11.00000000","3.00000000"]]}';
  const lines = [
    rawLine(t0, "btcusdt@depth@100ms", diff(101, 105)),
    `${JSON.stringify({ t: t0 + 50, url, raw })}\n`,
    rawLine(t0 + 60, "btcusdt@aggTrade", aggTrade(1)),
    rawLine(t0 + 100, "btcusdt@depth@100ms", diff(106, 110)),
  ];
  const { source } = await play({ path: write(join(temporaryFolder(), "book.jsonl"), lines.join("")) });
  expect(source.depth("BTCUSDT", 10)).toBe(
    '{"lastUpdateId":110,"bids":[["10.50000000","110.00000000"],["10.00000000","1.00000000"]],"asks":[["11.00000000","3.00000000"]]}',
  );
  const query = { fromId: 1, startTime: null, endTime: null, limit: 10 };
  expect(JSON.parse(source.aggTrades?.("BTCUSDT", query) ?? "")).toEqual([
    { a: 1, p: "10.00000000", q: "1.00000000", f: 2, l: 3, T: t0 - 1, m: true, M: true },
  ]);
  expect([source.depth("ETHUSDT", 10), source.aggTrades?.("ETHUSDT", query)]).toEqual([null, null]);
});
