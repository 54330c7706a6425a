import { Elysia } from "elysia";
import type { BookView } from "../../domain/status.ts";
import { parseSymbol } from "../../domain/stream.ts";
import type { Instrument, KnownInstrument } from "../../domain/symbols/instrument.ts";
import { errorBody } from "../core/errors.ts";
import { symbolOf } from "../core/request-params.ts";
import type { StatusCache } from "../core/status-cache.ts";

/** The response of `/state/:symbol`. Prices and quantities are Binance's own decimal texts. */
export type BookAnswer = {
  readonly symbol: string;
  readonly recv_us: number;
  readonly net_delay_ms: number | null;
  readonly book: {
    readonly lastUpdateId?: number;
    readonly bids?: readonly (readonly [price: string, quantity: string])[];
    readonly asks?: readonly (readonly [price: string, quantity: string])[];
  };
};

/** The response of `/api/instruments/:symbol`. Null until the exchange has been asked. */
export type InstrumentAnswer = {
  readonly symbol: string;
  readonly recv_us: number | null;
  readonly instrument: Instrument | null;
};

/** Serves programs: the status, the newest book of a symbol and the facts about it (upper or lower case). */
export function createStatusRoutes(deps: {
  snapshot: StatusCache;
  book: (symbol: string) => BookView | "no_data" | null;
  instrument: (symbol: string) => KnownInstrument | null;
}) {
  return new Elysia({ name: "api" })
    .get(
      "/api/status",
      ({ set }) => {
        set.headers["cache-control"] = "no-store";
        set.headers["content-type"] = "application/json";
        return deps.snapshot.text();
      },
      { detail: { tags: ["live"], summary: "The live status, as /ws/dashboard sends it" } },
    )
    .get(
      "/api/instruments/:symbol",
      ({ params }) => {
        const symbol = symbolOf(params.symbol);
        const known = deps.instrument(symbol);
        const answer: InstrumentAnswer = {
          symbol,
          recv_us: known?.recvUs ?? null,
          instrument: known?.instrument ?? null,
        };
        return answer;
      },
      { detail: { tags: ["live"], summary: "Assets, tick, step and status of a symbol, as the exchange states them" } },
    )
    .get(
      "/state/:symbol",
      ({ params, set, status }) => {
        set.headers["cache-control"] = "no-store";
        const symbol = parseSymbol(params.symbol);
        const view = symbol === null ? null : deps.book(symbol);
        if (view === null) return status(404, errorBody("unknown_symbol", "This symbol is not recorded here."));
        if (view === "no_data")
          return status(503, errorBody("no_data_yet", `No book of ${symbol} has been received yet.`));
        const { recv_us, net_delay_ms } = view;
        const book: BookAnswer["book"] = JSON.parse(view.book);
        const answer: BookAnswer = { symbol: view.symbol, recv_us, net_delay_ms, book };
        return answer;
      },
      { detail: { tags: ["live"], summary: "The newest order book of a symbol, with the exchange's own digits" } },
    );
}
