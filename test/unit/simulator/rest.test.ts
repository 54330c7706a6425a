import { expect, test } from "bun:test";
import { createHooks } from "../../../server/simulator/faults/hooks.ts";
import { createListing } from "../../../server/simulator/listing.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { createRest } from "../../../server/simulator/rest.ts";
import { createWeights } from "../../../server/simulator/weights.ts";

const market = createSyntheticMarket({ symbols: ["BTCUSDT", "ETHBTC", "币安USDT"], seed: 3 });
for (let n = 0; n < 200; n++) market.tick(1_700_000_000_000 + n * 100);

function createClient(weightPerMinute = 6000) {
  const weights = createWeights({ limit: weightPerMinute, patience: 2 });
  const rest = createRest({ weightPerMinute }, { source: market, weights });
  return (path: string, now = 1_700_000_000_000, address = "127.0.0.1", init: RequestInit = {}) =>
    rest.answer(new Request(`http://exchange${path}`, init), address, now);
}

test("ping and time answer; time can be had in microseconds", async () => {
  const get = createClient();
  expect(await get("/api/v3/ping").text()).toBe("{}");
  expect(await get("/api/v3/time").json()).toEqual({ serverTime: 1_700_000_000_000 });
  const micro = get("/api/v3/time", undefined, undefined, { headers: { "X-MBX-TIME-UNIT": "MICROSECOND" } });
  const { serverTime } = await micro.json();
  expect(Math.floor(serverTime / 1000)).toBe(1_700_000_000_000);
});

test("exchangeInfo describes all symbols, one, or those listed", async () => {
  const get = createClient();
  const names = async (path: string) => (await get(path).json()).symbols.map((info: { symbol: string }) => info.symbol);
  expect(await names("/api/v3/exchangeInfo")).toEqual(["BTCUSDT", "ETHBTC", "币安USDT"]);
  expect(await names("/api/v3/exchangeInfo?symbol=ETHBTC")).toEqual(["ETHBTC"]);
  expect(await names('/api/v3/exchangeInfo?symbols=["币安USDT","BTCUSDT"]')).toEqual(["币安USDT", "BTCUSDT"]);
  const { symbols, rateLimits } = await get("/api/v3/exchangeInfo?symbol=BTCUSDT").json();
  expect(symbols[0]).toMatchObject({ status: "TRADING", baseAsset: "BTC", quoteAsset: "USDT", baseAssetPrecision: 8 });
  expect(symbols[0].filters).toContainEqual(
    expect.objectContaining({ filterType: "PRICE_FILTER", tickSize: "0.01000000" }),
  );
  expect(rateLimits[0]).toEqual({ rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: 6000 });
});

test("depth gives 100 levels by default, as many as asked for, and no more than there are", async () => {
  const get = createClient();
  const levels = async (query: string) => (await get(`/api/v3/depth?symbol=BTCUSDT${query}`).json()).bids.length;
  expect([await levels(""), await levels("&limit=7"), await levels("&limit=9999")]).toEqual([
    100,
    7,
    expect.any(Number),
  ]);
  expect(await levels("&limit=9999")).toBeGreaterThan(500);
});

test("bookTicker gives the best level of both sides, of one symbol, of those listed, or of all", async () => {
  const get = createClient();
  const { bids, asks } = await get("/api/v3/depth?symbol=ETHBTC&limit=1").json();
  const best = { bidPrice: bids[0][0], bidQty: bids[0][1], askPrice: asks[0][0], askQty: asks[0][1] };
  const one = get("/api/v3/ticker/bookTicker?symbol=ETHBTC", 1_700_000_100_000);
  expect([await one.json(), one.headers.get("x-mbx-used-weight-1m")]).toEqual([{ symbol: "ETHBTC", ...best }, "2"]);
  const listed = await get('/api/v3/ticker/bookTicker?symbols=["ETHBTC"]').json();
  expect(listed).toEqual([{ symbol: "ETHBTC", ...best }]);
  const all = get("/api/v3/ticker/bookTicker", 1_700_000_200_000);
  expect((await all.json()).map(({ symbol }: { symbol: string }) => symbol)).toEqual(["BTCUSDT", "ETHBTC", "币安USDT"]);
  expect(all.headers.get("x-mbx-used-weight-1m")).toBe("4");
  expect(get("/api/v3/ticker/bookTicker?symbol=NIX").status).toBe(400);
});

test("times of aggTrades can be asked for and given in microseconds", async () => {
  const get = createClient();
  type Trade = { a: number; T: number };
  const trades = async (query: string, headers: Record<string, string> = {}): Promise<Trade[]> =>
    await get(`/api/v3/aggTrades?symbol=BTCUSDT${query}`, undefined, undefined, { headers }).json();
  const [, second] = await trades("&limit=5");
  const micro = { "X-MBX-TIME-UNIT": "microsecond" };
  const [same] = await trades(`&fromId=${second?.a}&limit=1`, micro);
  expect({ ...same, T: Math.floor((same?.T ?? 0) / 1000) }).toEqual({ ...second } as Trade);
  const all = await trades("&limit=50", micro);
  expect(new Set(all.map(({ T }) => T % 1000)).size).toBeGreaterThan(5);
  expect(all.map(({ T }) => T)).toEqual(all.map(({ T }) => T).sort((a, b) => a - b));
  const query = (unit: number) => `&startTime=${(second?.T ?? 0) * unit}&endTime=${(second?.T ?? 0) * unit}`;
  expect(await trades(query(1000))).toEqual(await trades(query(1)));
  expect(await trades(query(1))).toContainEqual(second as Trade);
});

test("aggTrades continue from an id, within times, or are the newest", async () => {
  const get = createClient();
  type Trade = { a: number; f: number; l: number; T: number };
  const trades = async (query: string): Promise<Trade[]> =>
    await get(`/api/v3/aggTrades?symbol=BTCUSDT${query}`).json();
  const all = await trades("&limit=1000");
  expect(all.length).toBeGreaterThan(20);
  expect(all.map((trade) => trade.a)).toEqual(all.map((_, n) => (all[0]?.a ?? 0) + n));
  expect(await trades("&limit=3")).toEqual(all.slice(-3));
  expect(await trades(`&fromId=${all[5]?.a}&limit=3`)).toEqual(all.slice(5, 8));
  expect(await trades(`&startTime=${all[4]?.T}&endTime=${all[9]?.T}`)).toEqual(
    all.filter((trade) => trade.T >= (all[4]?.T ?? 0) && trade.T <= (all[9]?.T ?? 0)),
  );
  expect(Object.keys(all[0] ?? {})).toEqual(["a", "p", "q", "f", "l", "T", "m", "M"]);
});

test("trades are the newest, numbered without a hole, with the exact product of price and quantity", async () => {
  const get = createClient();
  type Trade = { id: number; price: string; qty: string; quoteQty: string; time: number };
  const trades = async (query: string, headers: Record<string, string> = {}): Promise<Trade[]> =>
    await get(`/api/v3/trades?symbol=BTCUSDT${query}`, undefined, undefined, { headers }).json();
  const all = await trades("&limit=1000");
  expect(all.length).toBeGreaterThan(20);
  expect(all.map(({ id }) => id)).toEqual(all.map((_, n) => (all[0]?.id ?? 0) + n));
  expect(await trades("&limit=3")).toEqual(all.slice(-3));
  for (const { price, qty, quoteQty } of all) {
    expect(quoteQty).toMatch(/^\d+\.\d{8}$/);
    expect(Number(quoteQty)).toBeCloseTo(Number(price) * Number(qty), 6);
  }
  const [newest] = await trades("&limit=1", { "X-MBX-TIME-UNIT": "microsecond" });
  expect(Math.floor((newest?.time ?? 0) / 1000)).toBe(all.at(-1)?.time ?? 0);
  const fields = ["id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"];
  expect(Object.keys(all[0] ?? {})).toEqual(fields);
  const [last] = (await get("/api/v3/aggTrades?symbol=BTCUSDT&limit=1").json()) as { l: number }[];
  expect(last?.l).toBe(all.at(-1)?.id ?? 0);
});

test("older trades are had from an id on, as trades words them, for the weight of 25 and without a key", async () => {
  const get = createClient();
  type Trade = { id: number };
  const newest: Trade[] = await get("/api/v3/trades?symbol=BTCUSDT&limit=1000").json();
  const from = newest[7]?.id ?? 0;
  const minuteLater = 1_700_000_060_000;
  const older = get(`/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${from}&limit=5`, minuteLater);
  expect(await older.json()).toEqual(newest.slice(7, 12));
  expect(older.headers.get("x-mbx-used-weight-1m")).toBe("25");
  expect(await get("/api/v3/historicalTrades?symbol=BTCUSDT&limit=3").json()).toEqual(newest.slice(-3));
  const beyond = (newest.at(-1)?.id ?? 0) + 1;
  expect(await get(`/api/v3/historicalTrades?symbol=BTCUSDT&fromId=${beyond}`).text()).toBe("[]");
  const refused = await get("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=x").json();
  expect(refused).toMatchObject({ code: -1100, msg: expect.stringContaining("'fromId'") });
});

test("the market remembers ten minutes of the trades of 15 symbols, the busiest included", async () => {
  const names = ["BTCUSDT", "ETHUSDT", ...Array.from({ length: 13 }, (_, n) => `SYM${n}USDT`)];
  const busy = createSyntheticMarket({ symbols: names, seed: 5 });
  let first = "";
  const wants = (stream: string) => stream === "btcusdt@trade" || stream === "btcusdt@aggTrade";
  for (let n = 0; n < 6000; n++) {
    const events = busy.tick(1_700_000_000_000 + n * 100, wants);
    first ||= events.map(({ payload }) => payload).join("");
  }
  const [tradeId, aggId] = [/"t":(\d+)/, /"a":(\d+)/].map((pattern) => Number(pattern.exec(first)?.[1]));
  const trades = JSON.parse(busy.trades?.("BTCUSDT", { fromId: tradeId ?? 0, limit: 1 }) ?? "[]");
  const query = { fromId: aggId ?? 0, startTime: null, endTime: null, limit: 1 };
  const aggTrades = JSON.parse(busy.aggTrades?.("BTCUSDT", query) ?? "[]");
  expect([trades[0].id, aggTrades[0].a]).toEqual([tradeId, aggId]);
});

test("exchangeInfo leaves permission sets out for whoever says so", async () => {
  const get = createClient();
  const sets = async (query: string) => (await get(`/api/v3/exchangeInfo?${query}`).json()).symbols[0].permissionSets;
  expect([await sets(""), await sets("showPermissionSets=false")]).toEqual([[["SPOT"]], []]);
});

test("symbolStatus is answered if the symbol has that status, and refused with -1220 if not", async () => {
  const listed = createListing(market, createHooks());
  listed.setStatus("ETHBTC", "HALT");
  const rest = createRest(
    { weightPerMinute: 6000 },
    { source: listed, weights: createWeights({ limit: 6000, patience: 2 }) },
  );
  const get = (path: string) => rest.answer(new Request(`http://exchange${path}`), "127.0.0.1", 1_700_000_000_000);
  for (const path of ["/api/v3/depth", "/api/v3/ticker/bookTicker"]) {
    expect(get(`${path}?symbol=ETHBTC&symbolStatus=HALT`).status).toBe(200);
    expect(get(`${path}?symbol=BTCUSDT&symbolStatus=TRADING`).status).toBe(200);
    const refused = get(`${path}?symbol=ETHBTC&symbolStatus=TRADING`);
    expect([refused.status, (await refused.json()).code]).toEqual([400, -1220]);
  }
  listed.setStatus("ETHBTC", "TRADING");
});

const errors: [path: string, code: number, words: string][] = [
  ["/api/v3/depth?symbol=NIX", -1121, "Invalid symbol."],
  ["/api/v3/aggTrades?symbol=NIX", -1121, "Invalid symbol."],
  ["/api/v3/trades?symbol=NIX", -1121, "Invalid symbol."],
  ["/api/v3/exchangeInfo?symbol=NIX", -1121, "Invalid symbol."],
  ['/api/v3/exchangeInfo?symbols=["BTCUSDT","NIX"]', -1121, "Invalid symbol."],
  ["/api/v3/depth?symbol=BTCUSDT&limit=abc", -1100, "legal range is '^[0-9]{1,20}$'"],
  ["/api/v3/depth?symbol=btcusdt", -1100, "Illegal characters found in parameter 'symbol'"],
  ["/api/v3/exchangeInfo?symbols=BTCUSDT", -1100, "Illegal characters found in parameter 'symbols'"],
  ["/api/v3/depth", -1102, "Mandatory parameter 'symbol' was not sent"],
  ["/api/v3/depth?symbol=BTCUSDT&limit=0", -1130, "Data sent for parameter 'limit' is not valid."],
  ["/api/v3/aggTrades?symbol=BTCUSDT&fromId=-1", -1100, "Illegal characters found in parameter 'fromId'"],
  ["/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&startTime=2", -1128, "Combination of optional parameters invalid."],
];
for (const [path, code, words] of errors) {
  test(`GET ${path} is refused with 400 and ${code}`, async () => {
    const response = createClient()(path);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ code, msg: expect.stringContaining(words) });
  });
}

test("an unknown path is an empty 404; other methods are not allowed", async () => {
  const get = createClient();
  const unknown = get("/api/v1/depth?symbol=BTCUSDT");
  expect([unknown.status, await unknown.text()]).toEqual([404, ""]);
  expect(get("/api/v3/time", undefined, undefined, { method: "POST" }).status).toBe(405);
});

test("requests are charged their documented weights a minute and address", () => {
  const get = createClient();
  const used = (path: string, now?: number, address?: string) =>
    Number(get(path, now, address).headers.get("X-MBX-USED-WEIGHT-1M"));
  const depth = "/api/v3/depth?symbol=BTCUSDT&limit=";
  const weights = [
    "/api/v3/ping",
    "/api/v3/exchangeInfo",
    `${depth}100`,
    `${depth}500`,
    `${depth}1000`,
    `${depth}5000`,
  ];
  expect(weights.map((path) => used(path))).toEqual([1, 21, 26, 51, 101, 351]);
  expect(used("/api/v3/ping", 1_700_000_000_000, "10.0.0.1")).toBe(1);
  expect(used("/api/v3/ping", 1_700_000_000_000 + 60_000)).toBe(1);
});

test("too much weight is 429 until the minute is over; going on regardless is 418 with growing bans", async () => {
  const get = createClient(10);
  const minute = Math.floor(1_700_000_000_000 / 60_000) * 60_000;
  const status = (now: number) => get("/api/v3/depth?symbol=BTCUSDT", now);
  expect([status(minute).status, status(minute).status]).toEqual([200, 200]);
  const refused = status(minute + 15_000);
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "45"]);
  expect((await refused.json()).msg).toStartWith("Too much request weight used; current limit is 10 request weight");
  expect(status(minute + 60_000).status).toBe(200);

  expect([1, 2, 3, 4].map(() => status(minute + 61_000).status)).toEqual([200, 429, 429, 418]);
  const banned = status(minute + 121_000);
  expect([banned.status, banned.headers.get("retry-after")]).toEqual([418, "60"]);
  expect((await banned.json()).msg).toContain(`IP banned until ${minute + 181_000}`);
  const later = minute + 600_000;
  expect([1, 2, 3, 4, 5].map(() => status(later).status)).toEqual([200, 200, 429, 429, 418]);
  expect(status(later + 200_000).headers.get("retry-after")).toBe("40");
});
