import type { Stream } from "./stream.ts";
import { streamKinds } from "./stream-kinds.ts";

/** A trade as received: nobody parses it before somebody looks. */
export type TradeView = { readonly recv_us: number; readonly trade: string };

/** The last trades of each symbol. */
export type LatestTrades = {
  /** These streams from now on; what is known of those that stay is kept. */
  setStreams(streams: readonly Stream[]): void;
  /** A payload of any stream; all but trades are passed over. */
  note(stream: Stream, payload: string, recvUs: number): void;
  /** Trades after the `seen`-th of the symbol, oldest first, as far as they are kept, and how many there have been. */
  since(symbol: string, seen: number): { readonly trades: readonly TradeView[]; readonly count: number };
};

/** Trades kept of each symbol. */
export const keptTrades = 40;

/** Where a symbol has both, aggTrade counts. */
export function createLatestTrades(streams: readonly Stream[]): LatestTrades {
  let tapes = new Map<string, { kind: string; count: number; ring: TradeView[] }>();
  setStreams(streams);

  function setStreams(wanted: readonly Stream[]): void {
    const before = tapes;
    tapes = new Map();
    for (const { symbol, type } of wanted) {
      if (streamKinds[type.kind].shows !== "trades") continue;
      if (tapes.get(symbol)?.kind === "aggTrade") continue;
      const known = before.get(symbol);
      tapes.set(symbol, known?.kind === type.kind ? known : { kind: type.kind, count: 0, ring: [] });
    }
  }

  return {
    setStreams,
    note({ symbol, type }, payload, recvUs) {
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
