import { Spot, SpotWebsocketStreams } from "@binance/spot";
import type { BookImage } from "./local-book.ts";
import type { MarketClient, OnFrame, Urls } from "./market-client.ts";

type Connection = SpotWebsocketStreams.WebsocketStreamsConnection;
type Handle = { on(event: "message", take: (payload: unknown) => void): void; unsubscribe(): void };
type Payload = Readonly<Record<string, unknown>>;

/** Binance's own connector, `@binance/spot`, set up as its README says. */
export async function openOfficial(urls: Urls, onFrame: OnFrame): Promise<MarketClient> {
  // It tells of every connection otherwise; this is its only switch.
  process.env.LOG_LEVEL ??= "error";
  const spot = new Spot({
    configurationRestAPI: { apiKey: "", basePath: urls.restUrl },
    configurationWebsocketStreams: { wsURL: urls.wsUrl, reconnectDelay: 50 },
  });
  const connection = await spot.websocketStreams.connect();
  const handles = new Map<string, Handle>();
  connection.on("error", () => {});

  return {
    async subscribe(streams) {
      for (const stream of streams) {
        const handle = subscribeTo(connection, stream);
        handle.on("message", (payload) => onFrame(stream, payload as Payload));
        handles.set(stream, handle);
      }
    },
    async unsubscribe(streams) {
      for (const stream of streams) handles.get(stream)?.unsubscribe();
    },
    listSubscriptions: () => listSubscriptions(connection),
    ping: async () => (await spot.restAPI.ping()).data(),
    time: async () => Number((await (await spot.restAPI.time()).data()).serverTime),
    async exchangeInfo() {
      const { symbols = [] } = await (await spot.restAPI.exchangeInfo()).data();
      return { symbols: symbols.map(({ symbol = "", status = "" }) => ({ symbol, status })) };
    },
    depth: async (symbol, limit) =>
      (await (await spot.restAPI.depth({ symbol, limit })).data()) as unknown as BookImage,
    bookTicker: async (symbol) => (await spot.restAPI.tickerBookTicker({ symbol })).data(),
    aggTrades: async (symbol, limit) => (await spot.restAPI.aggTrades({ symbol, limit })).data(),
    close: () => connection.disconnect(),
  };
}

function subscribeTo(connection: Connection, stream: string): Handle {
  const [symbol = "", kind = ""] = stream.split("@");
  const [, levels] = /^depth(5|10|20)$/.exec(kind) ?? [];
  if (levels !== undefined) {
    const { PartialBookDepthUpdateSpeedEnum: speeds } = SpotWebsocketStreams;
    const request = { symbol, levels: levels as SpotWebsocketStreams.PartialBookDepthLevelsEnum };
    return connection.partialBookDepth({ ...request, updateSpeed: speeds.UPDATE_SPEED_100ms });
  }
  if (kind === "depth") {
    const { DiffBookDepthUpdateSpeedEnum: speeds } = SpotWebsocketStreams;
    return connection.diffBookDepth({ symbol, updateSpeed: speeds.UPDATE_SPEED_100ms });
  }
  if (kind === "aggTrade") return connection.aggTrade({ symbol });
  throw new Error(`no function of @binance/spot for ${stream}`);
}

/** The connector has no function for it, but sends any message, and hands on every reply. */
function listSubscriptions(connection: Connection): Promise<readonly string[]> {
  const { websocketBase } = connection as unknown as {
    websocketBase: { send(text: string, id: undefined, promise: false): void };
  };
  return new Promise((resolve) => {
    const take = (text: string) => {
      const reply = JSON.parse(text) as { id?: unknown; result?: string[] };
      if (reply.id !== 71 || reply.result === undefined) return;
      connection.off("message", take);
      resolve(reply.result);
    };
    connection.on("message", take);
    websocketBase.send(JSON.stringify({ method: "LIST_SUBSCRIPTIONS", id: 71 }), undefined, false);
  });
}
