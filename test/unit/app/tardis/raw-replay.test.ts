import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { createRawReplay, type RawMinute } from "../../../../server/app/tardis/raw-replay.ts";
import { archivePath } from "../../../../server/domain/day.ts";
import { encodeLine } from "../../../../server/domain/line.ts";
import type { RawAnswer, RawFeed, RawRequest } from "../../../../server/http/routes/tardis-routes.ts";
import { createSourceCheck } from "../../../../server/storage/read/source-check.ts";
import { bookDate, bookDayMs, writeBookDay } from "../../../support/data/book-day.ts";
import { segmentOf, temporaryData, writeRaw } from "../../../support/data/day-fixture.ts";
import { serve } from "../../../support/http/serving.ts";

let dataDir = "";
let remove = () => {};
beforeAll(async () => {
  ({ dataDir, remove } = temporaryData());
  await writeBookDay(dataDir);
});
afterAll(() => remove());

const all = ["trade", "depth", "depthSnapshot", "bookTicker", "ticker"].map((channel) => ({ channel, symbols: null }));
const minute = (at: number, more: Partial<RawMinute> = {}): RawMinute => ({
  ...{ dataDir, fromUs: (bookDayMs + at * 60_000) * 1000, isFirst: false, filters: all, gaps: [] },
  ...more,
});
const replay = () => createRawReplay(createSourceCheck(), () => {});

async function linesOf(read: ReturnType<typeof replay>, asked: RawMinute): Promise<string[]> {
  const result = await read(asked);
  if (result.kind !== "minute") throw new Error(JSON.stringify(result));
  return gunzipSync(result.gzip).toString().split("\n").slice(0, -1);
}

test("a range begins with the rebuilt book; records follow as they came, a gap is an empty line", async () => {
  const read = replay();
  const lines = await linesOf(read, minute(0, { isFirst: true }));
  expect(lines[0]).toBe(
    '2026-11-21T00:00:00.0000000Z {"stream":"btcusdt@depthSnapshot","generated":true,"data":{"lastUpdateId":10,"bids":[["9.9","2.0"],["8.0","6.0"]],"asks":[["11.5","1.0"]]}}',
  );
  const [, ...records] = lines;
  const shown = records.map((line) =>
    line === "" ? "gap" : `${line.slice(20, 28)} ${/"stream":"([^"]+)"/.exec(line)?.[1]}`,
  );
  expect(shown).toEqual([
    "1000000Z btcusdt@trade",
    "1000000Z btcusdt@depth@100ms",
    "1500000Z btcusdt@bookTicker",
    "2000000Z btcusdt@trade",
    "2000000Z btcusdt@depth@100ms",
    "gap",
    "7000000Z btcusdt@trade",
    "0000000Z btcusdt@depth@100ms",
    "0500000Z btcusdt@depthSnapshot",
    "1000000Z btcusdt@depth@100ms",
  ]);
  // A backfilled trade has the members of the stream.
  expect(records[6]).toEndWith(
    `Z {"stream":"btcusdt@trade","data":{"e":"trade","E":${bookDayMs + 700},"s":"BTCUSDT","t":3,"p":"10.7","q":"1.0","T":${bookDayMs + 700},"m":false}}`,
  );
  // The next minute, an earlier minute, and one symbol that is not recorded.
  expect(await linesOf(read, minute(1))).toEqual([]);
  expect(await linesOf(read, minute(0))).toEqual(records);
  expect(await linesOf(read, minute(0, { filters: [{ channel: "trade", symbols: ["ETHUSDT"] }] }))).toEqual([]);
});

test("a minute of a day that is still being recorded is read again, with the records that came meanwhile", async () => {
  const live = temporaryData();
  const at = (second: number) => (bookDayMs + second * 1000) * 1000;
  const line = (second: number) => encodeLine(`{"u":${second},"s":"BTCUSDT"}`, at(second), null);
  const day = { stream: "bookTicker", symbol: "BTCUSDT", date: bookDate };
  writeRaw(live.dataDir, segmentOf("00-00", day), line(1) + line(2));
  const read = replay();
  const gaps = [{ stream: "bookTicker", symbol: "BTCUSDT", from_us: at(70) }];
  expect(await linesOf(read, minute(0, { dataDir: live.dataDir }))).toHaveLength(2);
  writeRaw(live.dataDir, segmentOf("00-01", day), line(65) + line(75));
  const next = await linesOf(read, minute(1, { dataDir: live.dataDir, gaps }));
  expect(next.map((text) => text.slice(17, 19))).toEqual(["05", "", "15"]);
  live.remove();
});

test("a damaged source is named instead of being left out", async () => {
  const path = archivePath(dataDir, { stream: "bookTicker", symbol: "BTCUSDT", date: bookDate });
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, 20));
  expect(await replay()(minute(0))).toMatchObject({ kind: "damaged", path });
  writeFileSync(path, bytes);
});

test("the route passes the minute on and refuses other requests; its errors are final for a client, or not, as they are", async () => {
  const asked: RawRequest[] = [];
  let answer: RawAnswer = { kind: "minute", gzip: Bun.gzipSync("a line\n") };
  const raw: RawFeed = {
    channels: ["trade", "depth"],
    symbols: () => [{ symbol: "BTCUSDT", since: bookDate }],
    stop: async () => {},
    async minute(request) {
      asked.push(request);
      return answer;
    },
  };
  const site = await serve({ raw });
  const get = (query: string) => fetch(`${site.url}/tardis/v1/data-feeds/binance?${query}`);
  const filters = encodeURIComponent('[{"channel":"trade","symbols":["btcusdt"]},{"channel":"depth"}]');
  const good = await get(`from=${bookDate}T00:00:00.000Z&offset=3&filters=${filters}`);
  expect([good.status, good.headers.get("x-slice-size"), await good.text()]).toEqual([200, "1", "a line\n"]);
  expect(asked).toEqual([
    {
      fromUs: (bookDayMs + 180_000) * 1000,
      isFirst: false,
      filters: [
        { channel: "trade", symbols: ["BTCUSDT"] },
        { channel: "depth", symbols: null },
      ],
    },
  ]);
  for (const [query, words] of [
    ["offset=1", "from is missing"],
    [`from=${bookDate}&offset=-1`, 'offset \\"-1\\" is not accepted'],
    ["from=2999-01-01", "This minute is not over"],
    [`from=${bookDate}&filters=x`, "with channels of trade, depth"],
    [`from=${bookDate}&filters=${encodeURIComponent('[{"channel":"liquidations"}]')}`, "with channels of trade, depth"],
  ] as const) {
    const refused = await get(query);
    expect([query, refused.status, await refused.text()]).toEqual([query, 400, expect.stringContaining(words)]);
  }
  for (const [kind, status] of [
    ["damaged", 400],
    ["large", 400],
    ["busy", 503],
    ["failed", 503],
  ] as const) {
    answer = { kind };
    expect((await get(`from=${bookDate}`)).status).toBe(status);
  }
  const details = await (await fetch(`${site.url}/tardis/v1/exchanges/binance`)).json();
  expect(details).toMatchObject({ id: "binance", availableSymbols: [{ id: "btcusdt", type: "spot" }] });
  await site.close();
});
