import type { Stream } from "./stream.ts";
import { streamKinds } from "./stream-kinds.ts";

/** A trade as received, unparsed: parsing would be wasted while there is no viewer. */
export type TradeView = { readonly recv_us: number; readonly trade: string };

/** The latest trades of each symbol. */
export type LatestTrades = {
  /** Replaces the set of streams. Streams that stay keep their trades. */
  setStreams(streams: readonly Stream[]): void;
  /** Saves a payload if it is a trade; ignores other streams. */
  update(stream: Stream, payload: string, recvUs: number): void;
  /** Returns the trades after the symbol's `seen`-th that are still kept, oldest first, and the number of trades so far. */
  since(symbol: string, seen: number): { readonly trades: readonly TradeView[]; readonly count: number };
};

/** Trades kept per symbol. */
export const keptTrades = 40;

/** Creates the store. If a symbol has both trade streams, aggTrade is used. */
export function createLatestTrades(streams: readonly Stream[]): LatestTrades {
  let tapes = new Map<string, { kind: string; count: number; ring: TradeView[] }>();
  setStreams(streams);

  function setStreams(wanted: readonly Stream[]): void {
    const previous = tapes;
    tapes = new Map();
    for (const { symbol, type } of wanted) {
      if (streamKinds[type.kind].shows !== "trades") continue;
      if (tapes.get(symbol)?.kind === "aggTrade") continue;
      const known = previous.get(symbol);
      tapes.set(symbol, known?.kind === type.kind ? known : { kind: type.kind, count: 0, ring: [] });
    }
  }

  return {
    setStreams,
    update({ symbol, type }, payload, recvUs) {
      if (streamKinds[type.kind].shows !== "trades") return;
      const tape = tapes.get(symbol);
      if (tape === undefined || tape.kind !== type.kind) return;
      tape.ring[tape.count % keptTrades] = { recv_us: recvUs, trade: payload };
      tape.count++;
    },
    since(symbol, seen) {
      const tape = tapes.get(symbol);
      if (tape === undefined) return { trades: [], count: 0 };
      const trades: TradeView[] = [];
      for (let n = Math.max(seen, tape.count - keptTrades, 0); n < tape.count; n++) {
        const trade = tape.ring[n % keptTrades];
        if (trade !== undefined) trades.push(trade);
      }
      return { trades, count: tape.count };
    },
  };
}
