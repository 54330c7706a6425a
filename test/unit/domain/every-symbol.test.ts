import { expect, test } from "bun:test";
import { join } from "node:path";
import { createApp } from "../../../server/app/app.ts";
import { createFrameReader } from "../../../server/binance/frames/frame-reader.ts";
import { spreadStreams, subscriptionOf } from "../../../server/binance/sockets/endpoint.ts";
import { encodeCommit, parseAction } from "../../../server/dataset/delta/actions.ts";
import { archivePath, type Day, dayOfPath, segmentOfPath, segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { pagePath } from "../../../server/domain/pages.ts";
import {
  createStream,
  parseStreamName,
  parseStreamType,
  parseSymbol,
  type StreamType,
} from "../../../server/domain/stream.ts";
import { writeArchiveAsParquet } from "../../../server/export/parquet/archive-parquet.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { parseStreamUrl } from "../../../server/simulator/protocol/stream-url.ts";
import { createRawParser } from "../../../server/simulator/replay/recorded-message.ts";
import { createSimulatedExchange } from "../../../server/simulator/simulated-exchange.ts";
import { type Manifest, readManifest } from "../../../server/storage/manifest.ts";
import { go, goPrefix, longWord } from "../../../server/telegram/bot/command.ts";
import { readMute } from "../../../server/telegram/bot/mute-target.ts";
import { drawable } from "../../../server/telegram/pictures/svg.ts";
import { appConfig } from "../../support/app-config.ts";
import { archiveHere, dayUs, segmentOf, writeRaw } from "../../support/data/day-fixture.ts";
import { query } from "../../support/data/duckdb.ts";
import { readRecords } from "../../support/data/read-data.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { keep, keysOf } from "../../support/upload/bucket.ts";
import { startFauxS3 } from "../../support/upload/s3.ts";
import { until } from "../../support/wait.ts";

const names = ["币安人生USDT", "हिन्दीUSDT", "AB-USDT", "4USDT", "WBTC", "BTCUSDT_261225", "BTCUSD_PERP"] as const;
/** As long as a symbol may be, in letters of three bytes. */
const longest = `${"हिन्दी".repeat(9).slice(0, 46)}USDT`;
const all = [...names, longest];
const [aggTrade, depth20] = ["aggTrade", "depth20@100ms"].map(parseStreamType) as [StreamType, StreamType];

const trade = (symbol: string, id: number) =>
  `{"e":"aggTrade","E":1763800000000,"s":"${symbol}","a":${id},"p":"1.00000000","q":"2.00000000","f":1,"l":2,"T":1763800000000,"m":true,"M":true}`;

test("symbols of one to fifty letters, marks, digits, hyphens and underscores are accepted; longer names and paths are not", () => {
  const config = appConfig({ "record.symbols": all.join(",").toLowerCase() });
  expect(config.record.symbols).toEqual(all);
  expect([...longest]).toHaveLength(50);
  for (const name of [`${longest}X`, "-AB", "_AB", "../AB", "A/B", "A B", "A=B", "A\\B", "A%B", "A?B", "A#B", "ि"])
    expect([name, parseSymbol(name)]).toEqual([name, null]);
});

test("names of streams, URLs, folders, Delta paths and pages lead back to the symbol", () => {
  for (const symbol of all) {
    const stream = createStream(symbol, aggTrade);
    expect(parseStreamName(stream.name)).toEqual(stream);
    const { url } = subscriptionOf("wss://x", [stream.name], "us");
    expect(url).toMatch(/^[\x21-\x7e]+$/);
    expect(parseStreamUrl(url)).toMatchObject({ streams: [stream.name], timeUnit: "us" });
    const day: Day = { stream: "aggTrade", symbol, date: "2026-11-21" };
    expect(dayOfPath(archivePath("/data", day))).toEqual(day);
    expect(segmentOfPath(segmentPath("/data", { ...day, name: "00-00" }, "sealed"))?.segment.symbol).toBe(symbol);
    const path = `symbol=${symbol}/date=2026-11-21/${symbol}-aggTrade.parquet`;
    const add = { path, partitionValues: { symbol }, size: 1, modificationTime: 1, stats: null } as const;
    const [, line = ""] = encodeCommit({ timestamp: 1, operation: "x", engineInfo: "x" }, [
      { kind: "add", add } as never,
    ]).split("\n");
    expect(line).toMatch(/"path":"[\x21-\x7e]+"/);
    expect(parseAction(JSON.parse(line))).toMatchObject([{ add: { path, partitionValues: { symbol } } }]);
    expect(decodeURIComponent(pagePath("orderbook", { symbol }))).toEndWith(`/${symbol}`);
  }
});

test("a URL with the longest names stays below 4,200 characters, and each stream is asked for once", () => {
  const streams = Array.from({ length: 100 }, (_, n) => createStream(`${n}${longest.slice(3)}`, depth20));
  for (const group of spreadStreams(streams)) {
    const asked = group.map(({ name }) => name);
    const { url, inUrl, rest } = subscriptionOf("wss://x", asked);
    expect(url.length).toBeLessThan(4200);
    expect([...inUrl, ...rest]).toEqual(asked);
  }
});

test("frames with raw and with escaped names are recorded under the same symbol, payload untouched", () => {
  const escaped = (text: string) =>
    text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const read = createFrameReader(all.map((symbol) => createStream(symbol, aggTrade)));
  const readRaw = createRawParser();
  for (const symbol of all) {
    const { name } = createStream(symbol, aggTrade);
    for (const [envelope, payload] of [
      [name, trade(symbol, 1)],
      [escaped(name), trade(symbol, 1)],
      [escaped(name), escaped(trade(symbol, 1))],
    ] as const) {
      const frame = `{"stream":"${envelope}","data":${payload}}`;
      const message = read(frame);
      if (message.type !== "data") throw new Error(JSON.stringify(message));
      expect([message.data.stream.symbol, message.data.payload]).toEqual([symbol, payload]);
      for (const raw of [frame, payload]) {
        const line = JSON.stringify({ t: 1, raw });
        expect(readRaw(line, 0, line.length)).toMatchObject({ stream: name, payload });
      }
    }
  }
});

test("buttons of the bot fit Telegram's 64 bytes and find their symbol again; mutes and pictures know every name", () => {
  const drawn = new Set<string>();
  for (const symbol of all) {
    for (const line of [`book ${symbol}`, `chart ${symbol} 24h`, `mute delay ${symbol} 8h`]) {
      const [button] = go("x", line);
      const data = button?.data ?? "";
      expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
      const words = data.slice(goPrefix.length).split(" ");
      expect(words.map((word) => longWord(word, () => all)).join(" ")).toBe(line);
    }
    expect(readMute([symbol.toLowerCase(), "8h"], all, () => null).target.symbol).toBe(symbol);
    expect(drawable(symbol)).toMatch(/^[\x20-\x7e…]+$/);
    drawn.add(drawable(symbol));
  }
  expect(drawable("币安人生USDT")).toBe("[5E01 5B89 4EBA…]USDT");
  expect(drawn.size).toBeGreaterThanOrEqual(all.length - 1);
});

test("every symbol is recorded over sockets and REST, and served by page, API, live sockets and metrics; its days are downloaded by name", async () => {
  const dataDir = join(temporaryFolder(), "data");
  const date = "2026-11-21";
  for (const symbol of all) {
    const day: Day = { stream: "aggTrade", symbol, date };
    const segment = segmentOf("00-00", day);
    const lines = Array.from({ length: 20 }, (_, n) => encodeLine(trade(symbol, n + 1), dayUs + n * 1_000_000, 1));
    writeRaw(dataDir, segment, lines.join(""));
    await archiveHere(dataDir, [segment]);
    const target = join(dataDir, "out", `${symbol}.parquet`);
    const { signal: stop } = new AbortController();
    const manifest = readManifest(dataDir, day) as Manifest;
    await writeArchiveAsParquet(
      { path: archivePath(dataDir, day), manifest, gaps: [], startsAfterGap: false },
      target,
      {
        ...{ numbers: "float64", levels: "columns", compression: "zstd", stop },
      },
    );
    expect(await query(`select count(*)::int, max(agg_trade_id)::int from '${target}'`)).toEqual([[20, 20]]);
  }
  const s3 = await startFauxS3();
  const keeping = keep(dataDir, s3);
  await keeping.settled(all.length);
  await keeping.stop();
  const keys = all.flatMap((symbol) => keysOf({ stream: "aggTrade", symbol, date }));
  expect(await s3.keys("")).toEqual(keys.sort());
  await s3.stop();

  const source = createSyntheticMarket({ symbols: all, seed: 4, speed: 4 });
  const exchange = createSimulatedExchange({}, { source, log: silentLog });
  const { wsUrl, restUrl } = await exchange.start();
  const app = createApp(
    appConfig({
      ...{ "record.data_dir": dataDir, "record.symbols": all.join(","), "record.streams": "depth20@100ms,depth@100ms" },
      ...{ "exchange.ws_url": wsUrl, "exchange.rest_url": restUrl },
    }),
    { mode: "record", log: silentLog },
  );
  const { url } = await app.start();
  const isReady = () => app.status().symbols.every(({ state, last_recv_us }) => state === "trading" && last_recv_us);
  await until(isReady, "every symbol to be traded and recorded", 30_000);
  const hasBooks = () => all.every((symbol) => readRecords(dataDir).has(`${symbol}/depthSnapshot`));
  await until(hasBooks, "the REST book of every symbol", 60_000);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const symbol of all) {
    const path = encodeURIComponent(symbol);
    const state = await fetch(`${url}/state/${path}`);
    expect([symbol, state.status]).toEqual([symbol, 200]);
    // 503: the page is not built here.
    expect([200, 503]).toContain((await fetch(`${url}/orderbook/${path}`)).status);
    expect(metrics).toContain(`symbol="${symbol}"`);
    const file = await fetch(`${url}/api/archives/aggTrade/${path}/${date}/file`);
    const disposition = file.headers.get("content-disposition") ?? "";
    const [, encoded] = /filename\*=UTF-8''(\S+)$/.exec(disposition) ?? [];
    const [, plain] = /filename="([^"]+)"/.exec(disposition) ?? [];
    expect(encoded === undefined ? plain : decodeURIComponent(encoded)).toBe(`${symbol}-aggTrade-${date}.jsonl.zst`);
    expect(plain).toMatch(/^[\x20-\x7e]+$/);
    const live = new WebSocket(`${url.replace("http", "ws")}/ws/book/${path}`);
    const first = await new Promise((resolve, reject) => {
      live.onmessage = ({ data }) => resolve(data);
      live.onclose = ({ reason }) => reject(new Error(reason));
    });
    expect(String(first)).toContain("bids");
    live.close();
  }
  await app.stop(10_000);
  await exchange.stop();
}, 180_000);
