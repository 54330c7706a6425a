import { MainClient, WebsocketClient } from "binance";
import type { BookImage } from "./local-book.ts";
import type { MarketClient, OnFrame, Urls } from "./market-client.ts";

const quiet = { trace: () => {}, info: () => {}, error: () => {} };
const key = "main";

/** The community's client `binance` (npm), set up with its documented `wsUrl` and `baseUrl`. */
export async function openBinance(urls: Urls, onFrame: OnFrame): Promise<MarketClient> {
  const rest = new MainClient({ baseUrl: urls.restUrl });
  const socket = new WebsocketClient({ wsUrl: urls.wsUrl, reconnectTimeout: 50 }, quiet);
  socket.on("message", (event) => {
    const payload = event as unknown as Readonly<Record<string, unknown>>;
    onFrame(String(payload.streamName), payload);
  });
  socket.on("exception", () => {});

  return {
    subscribe: async (streams) => void (await socket.subscribe([...streams], key)),
    unsubscribe: async (streams) => void (await socket.unsubscribe([...streams], key)),
    listSubscriptions: () =>
      new Promise((resolve) => {
        const take = (event: unknown) => {
          const { id, result } = event as { id?: unknown; result?: string[] };
          if (id !== 71 || !Array.isArray(result)) return;
          socket.off("response", take);
          resolve(result);
        };
        socket.on("response", take);
        socket.tryWsSend(key, JSON.stringify({ method: "LIST_SUBSCRIPTIONS", id: 71 }));
      }),
    ping: () => rest.testConnectivity(),
    // Its getServerTime() asks api.binance.com, whatever `baseUrl` says; so do not use it.
    time: async () => Number((await rest.get("api/v3/time")).serverTime),
    exchangeInfo: () => rest.getExchangeInfo(),
    depth: async (symbol, limit) => {
      const book = await rest.getOrderBook({ symbol, limit: limit as 5000 });
      return book as unknown as BookImage;
    },
    bookTicker: (symbol) => rest.getSymbolOrderBookTicker({ symbol }),
    aggTrades: (symbol, limit) => rest.getAggregateTrades({ symbol, limit }),
    close: async () => socket.closeAll(true),
  };
}
