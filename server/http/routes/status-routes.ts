import { Elysia } from "elysia";
import type { BookView } from "../../domain/status.ts";
import { parseSymbol } from "../../domain/stream.ts";
import { errorBody } from "../core/errors.ts";
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

/** Serves programs: the status, and the newest book of a symbol (upper or lower case). */
export function createStatusRoutes(deps: {
  snapshot: StatusCache;
  book: (symbol: string) => BookView | "no_data" | null;
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
