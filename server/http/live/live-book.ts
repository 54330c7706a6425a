import { Elysia } from "elysia";
import type { LatestTrades, TradeView } from "../../domain/latest-trades.ts";
import type { BookView } from "../../domain/status.ts";
import { parseSymbol } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { errorBody } from "../core/errors.ts";
import { createSubscribers, type Listener, type LiveClient, maxBufferedBytes } from "./subscribers.ts";

/** Serves `/ws/book/:symbol` and owns the timer behind it. */
export type LiveBook = ReturnType<typeof createLiveBook>;

/** Tick in ms: ten ticks a second, as often as a depth20@100ms stream changes. */
const tickMs = 100;

/** An unchanged book is sent again after this many ticks, so that silence means a dead connection. */
const repeatAfter = 10;

const maxClients = 64;

type Deps = {
  /** Newest book of an upper-case symbol; "no_data" before the first book, null if the symbol is not recorded. */
  book: (symbol: string) => BookView | "no_data" | null;
  trades: LatestTrades["since"];
  /** Mid prices of the last two minutes, oldest first. */
  mids: (symbol: string) => readonly (readonly [recvUs: number, mid: number])[];
  publish: (topic: string, text: string, compress: boolean) => void;
  /** Returns the sender of a request. */
  listenerOf: (request: Request) => Listener;
  log: Log;
};

type Channel = { clients: number; seen: number; recvUs: number; quiet: number };

/**
 * Sends each viewer of a symbol the newest book and the trades since the last message. The first message is sent at once, with the mid
 * prices of the last two minutes; further messages after a change: at most ten and at least one a second. A message is serialised once per symbol, and sending never blocks.
 */
export function createLiveBook(deps: Deps) {
  const subscribers = createSubscribers({ name: "book viewer", most: maxClients }, deps);
  const channels = new Map<string, Channel>();
  const symbolOf = new Map<LiveClient, string>();
  let timer: ReturnType<typeof setInterval> | null = null;

  function open(client: LiveClient, symbol: string, request: Request): void {
    if (deps.book(symbol) === null) {
      client.close(4404, "unknown_symbol");
      return;
    }
    if (!subscribers.enter(client, topicOf(symbol), deps.listenerOf(request))) return;
    const channel = channels.get(symbol) ?? { clients: 0, seen: deps.trades(symbol, 0).count, recvUs: 0, quiet: 0 };
    channels.set(symbol, channel);
    channel.clients++;
    symbolOf.set(client, symbol);
    const { trades, count } = deps.trades(symbol, 0);
    // Trades after the channel's last message are left out: the channel's next message carries them.
    const text = textOf(symbol, trades.slice(0, trades.length - (count - channel.seen)));
    client.send(`${text.slice(0, -1)},"mids":${JSON.stringify(deps.mids(symbol))}}`, false);
    timer ??= setInterval(tick, tickMs);
  }

  function close(client: LiveClient): void {
    subscribers.leave(client);
    const symbol = symbolOf.get(client);
    symbolOf.delete(client);
    const channel = symbol === undefined ? undefined : channels.get(symbol);
    if (symbol === undefined || channel === undefined) return;
    channel.clients--;
    if (channel.clients === 0) channels.delete(symbol);
    if (channels.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  function tick(): void {
    for (const client of subscribers.dropSlow(maxBufferedBytes)) close(client);
    for (const [symbol, channel] of channels) {
      const { trades, count } = deps.trades(symbol, channel.seen);
      const view = deps.book(symbol);
      const recvUs = view === null || view === "no_data" ? 0 : view.recv_us;
      if (recvUs === channel.recvUs && trades.length === 0 && ++channel.quiet < repeatAfter) continue;
      Object.assign(channel, { seen: count, recvUs, quiet: 0 });
      deps.publish(topicOf(symbol), textOf(symbol, trades), false);
    }
  }

  /** Builds the message. Book and trades are JSON already and are spliced in unchanged. */
  function textOf(symbol: string, trades: readonly TradeView[]): string {
    const view = deps.book(symbol);
    const hasBook = view !== null && view !== "no_data";
    const tradesText = trades.map(({ recv_us, trade }) => `{"recv_us":${recv_us},"trade":${trade}}`).join(",");
    const start = `{"symbol":${JSON.stringify(symbol)},"recv_us":${hasBook ? view.recv_us : null}`;
    return `${start},"net_delay_ms":${hasBook ? view.net_delay_ms : null},"book":${hasBook ? view.book : null},"trades":[${tradesText}]}`;
  }

  const routes = new Elysia({ name: "live-book", detail: { hide: true } })
    .get("/ws/book/:symbol", ({ status }) =>
      status(426, errorBody("upgrade_required", "This address speaks WebSocket only.")),
    )
    .ws("/ws/book/:symbol", {
      open({ raw, data: { params, request } }) {
        open(raw as unknown as LiveClient, parseSymbol(decode(params.symbol)) ?? "", request);
      },
      message() {},
      close: (socket) => close(socket.raw as unknown as LiveClient),
    });

  return {
    routes,
    endSession: subscribers.endSession,
    hasToken: subscribers.hasToken,
    clients: subscribers.size,
    dropped: subscribers.dropped,
    /** Closes all connections and stops the timer. */
    stop(): void {
      const clients = [...symbolOf.keys()];
      subscribers.dismiss();
      for (const client of clients) close(client);
    },
  };
}

function topicOf(symbol: string): string {
  return `book/${symbol}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
