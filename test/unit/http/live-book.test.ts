import { afterEach, expect, test } from "bun:test";
import { createLatestTrades } from "../../../server/domain/latest-trades.ts";
import { parseStreamName } from "../../../server/domain/stream.ts";
import { serve } from "../../support/http/serving.ts";
import { until } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Message = {
  symbol: string;
  recv_us: number | null;
  book: { lastUpdateId: number } | null;
  trades: { recv_us: number; trade: { a: number } }[];
};

const trades = parseStreamName("btcusdt@aggTrade");
if (trades === null) throw new Error("no such stream");

async function market() {
  const tape = createLatestTrades([trades as NonNullable<typeof trades>]);
  const state = { id: 1 };
  const site = await serve({
    trades: tape.since,
    mids: (symbol) => (symbol === "BTCUSDT" ? [[5, 99.5]] : []),
    book: (symbol) =>
      symbol === "BTCUSDT"
        ? { symbol, recv_us: state.id, net_delay_ms: 7, book: `{"lastUpdateId":${state.id},"bids":[],"asks":[]}` }
        : symbol === "ETHUSDT"
          ? "no_data"
          : null,
  });
  cleanups.push(site.close);
  const trade = (a: number) => tape.update(trades as NonNullable<typeof trades>, `{"a":${a}}`, a);
  const look = (symbol: string) => {
    const socket = new WebSocket(`${site.url.replace("http", "ws")}/ws/book/${symbol}`);
    const seen = { socket, messages: [] as Message[], closed: null as number | null };
    socket.onmessage = ({ data }) => seen.messages.push(JSON.parse(String(data)));
    socket.onclose = ({ code }) => {
      seen.closed = code;
    };
    cleanups.push(() => socket.close());
    return seen;
  };
  return { site, state, trade, look };
}

test("who looks gets the book and the last trades at once, then each change, and each trade exactly once", async () => {
  const { state, trade, look } = await market();
  for (let a = 1; a <= 50; a++) trade(a);
  const first = look("btcusdt");
  await until(() => first.messages.length >= 1, "the first message");
  expect(first.messages[0]).toMatchObject({
    symbol: "BTCUSDT",
    recv_us: 1,
    book: { lastUpdateId: 1 },
    mids: [[5, 99.5]],
  });
  trade(51);
  trade(52);
  const second = look("BTCUSDT");
  state.id = 2;
  const ids = (seen: typeof first) => seen.messages.flatMap((message) => message.trades.map(({ trade: { a } }) => a));
  await until(() => ids(first).includes(52) && ids(second).includes(52), "the new trades for both");
  trade(53);
  await until(() => ids(first).includes(53) && ids(second).includes(53), "one more trade for both");
  expect(ids(first)).toEqual(Array.from({ length: 43 }, (_, n) => n + 11));
  expect(ids(second)).toEqual(ids(second).toSorted((a, b) => a - b));
  expect(new Set(ids(second)).size).toBe(ids(second).length);
  expect(first.messages.at(-1)?.book?.lastUpdateId).toBe(2);
});

test("a market that stands still is repeated now and then, so that silence means a dead connection", async () => {
  const { look } = await market();
  const one = look("ETHUSDT");
  await until(() => one.messages.length >= 3, "three messages without any change");
  expect(one.messages[2]).toEqual({
    symbol: "ETHUSDT",
    recv_us: null,
    net_delay_ms: null,
    book: null,
    trades: [],
  } as unknown as Message);
});

test("a symbol that is not recorded is said to be so, and a stop says goodbye", async () => {
  const { site, look } = await market();
  const stranger = look("NOPEUSDT");
  await until(() => stranger.closed === 4404, "close code 4404");
  const one = look("BTCUSDT");
  await until(() => one.messages.length > 0, "a message");
  await site.server.stop();
  await until(() => one.closed === 1001, "close code 1001");
});
