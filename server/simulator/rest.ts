import { exchangeMs, type TimeUnit } from "../domain/market/exchange-time.ts";
import { bookTickerReply } from "./book-ticker.ts";
import type { MarketSource } from "./protocol/market-source.ts";
import { exchangeInfoReply, type SymbolInfo } from "./protocol/symbol-info.ts";
import { parseTimeUnit, restTimes } from "./protocol/time-unit.ts";
import type { Weights } from "./weights.ts";

/** Answers the public part of Binance's REST API. */
export type Rest = {
  /** The answer to a request from `address` at `now` (ms). */
  answer(request: Request, address: string, now: number): Response;
};

/** A request that is refused: HTTP status with Binance's code and text. */
type Refusal = { readonly refused: true; readonly code: number; readonly msg: string };

/**
 * `/api/v3/ping`, `time`, `exchangeInfo`, `depth`, `aggTrades`, `trades`, `historicalTrades` and `ticker/bookTicker` over a source, with request weights.
 * Source: binance-spot-api-docs, rest-api.md and errors.md; unknown paths answer 404 with an empty body.
 */
export function createRest(
  options: { weightPerMinute: number },
  deps: { source: MarketSource; weights: Weights; clockMs?: () => number },
): Rest {
  const { source, weights } = deps;

  function endpoint(path: string, parameters: URLSearchParams, now: number, unit: TimeUnit | null): Endpoint | null {
    switch (path) {
      case "/api/v3/ping":
        return { weight: 1, reply: () => "{}" };
      case "/api/v3/time":
        return { weight: 1, reply: () => JSON.stringify({ serverTime: serverTime(now, unit) }) };
      case "/api/v3/exchangeInfo":
        return { weight: 20, reply: () => exchangeInfo(parameters, now, unit) };
      case "/api/v3/depth":
        return { weight: depthWeight(parameters.get("limit")), reply: () => depth(parameters) };
      case "/api/v3/aggTrades":
        return { weight: 4, reply: () => aggTrades(parameters, unit) };
      case "/api/v3/trades":
        return { weight: 25, reply: () => trades(parameters, null, unit) };
      case "/api/v3/historicalTrades":
        return { weight: 25, reply: () => trades(parameters, integerOf(parameters, "fromId"), unit) };
      case "/api/v3/ticker/bookTicker":
        return { weight: parameters.has("symbol") ? 2 : 4, reply: () => bookTicker(parameters) };
      default:
        return null;
    }
  }

  function exchangeInfo(parameters: URLSearchParams, now: number, unit: TimeUnit | null): string | Refusal {
    const known = symbolsAsked(parameters);
    if ("refused" in known) return known;
    const reply = exchangeInfoReply(known, serverTime(now, unit), options.weightPerMinute);
    const withoutSets = /^false$/i.test(parameters.get("showPermissionSets") ?? "");
    return JSON.stringify(reply, (key, value) => (withoutSets && key === "permissionSets" ? [] : value));
  }

  function bookTicker(parameters: URLSearchParams): string | Refusal {
    const known = symbolsAsked(parameters);
    if ("refused" in known) return known;
    const refusal = statusRefusal(parameters.get("symbol") ?? "", parameters);
    if (refusal !== null) return refusal;
    const tickers = known.flatMap((info) => {
      const book = source.depth(info.symbol, 1);
      return book === null ? [] : [bookTickerReply(info, book)];
    });
    if (!parameters.has("symbol")) return JSON.stringify(tickers);
    return tickers[0] === undefined ? invalidSymbol : JSON.stringify(tickers[0]);
  }

  /** Those that `symbol` or `symbols` name; all without either. */
  function symbolsAsked(parameters: URLSearchParams): readonly SymbolInfo[] | Refusal {
    const one = parameters.get("symbol");
    const many = parameters.get("symbols");
    if (one !== null && many !== null) return refuse(-1128, "Combination of optional parameters invalid.");
    const all = source.exchangeInfo();
    const wanted = one !== null ? [one] : many !== null ? parseSymbols(many) : null;
    if (wanted !== null && "refused" in wanted) return wanted;
    const chosen = wanted === null ? all : wanted.map((symbol) => all.find((info) => info.symbol === symbol));
    const known = chosen.filter((info): info is SymbolInfo => info !== undefined);
    return known.length < chosen.length ? invalidSymbol : known;
  }

  function depth(parameters: URLSearchParams): string | Refusal {
    const symbol = symbolOf(parameters);
    if (typeof symbol !== "string") return symbol;
    const limit = integerOf(parameters, "limit") ?? 100;
    if (typeof limit !== "number") return limit;
    if (limit === 0) return refuse(-1130, "Data sent for parameter 'limit' is not valid.");
    return statusRefusal(symbol, parameters) ?? source.depth(symbol, Math.min(limit, 5000)) ?? invalidSymbol;
  }

  function aggTrades(parameters: URLSearchParams, unit: TimeUnit | null): string | Refusal {
    const symbol = symbolOf(parameters);
    if (typeof symbol !== "string") return symbol;
    const [fromId, startTime, endTime, limit] = [
      integerOf(parameters, "fromId"),
      timeOf(parameters, "startTime"),
      timeOf(parameters, "endTime"),
      integerOf(parameters, "limit"),
    ];
    if (isRefusal(fromId)) return fromId;
    if (isRefusal(startTime)) return startTime;
    if (isRefusal(endTime)) return endTime;
    if (isRefusal(limit)) return limit;
    if (fromId !== null && (startTime !== null || endTime !== null)) {
      return refuse(-1128, "Combination of optional parameters invalid.");
    }
    const query = { fromId, startTime, endTime, limit: Math.min(limit || 500, 1000) };
    const trades = source.aggTrades?.(symbol, query) ?? null;
    if (trades !== null) return timed(trades, unit);
    return source.exchangeInfo().some((info) => info.symbol === symbol) ? "[]" : invalidSymbol;
  }

  const timed = (trades: string, unit: TimeUnit | null) =>
    unit === null ? trades : restTimes(trades, unit, source.inventsTimes ?? false);

  function trades(
    parameters: URLSearchParams,
    fromId: number | null | Refusal,
    unit: TimeUnit | null,
  ): string | Refusal {
    const symbol = symbolOf(parameters);
    if (typeof symbol !== "string") return symbol;
    const limit = integerOf(parameters, "limit");
    if (isRefusal(limit)) return limit;
    if (isRefusal(fromId)) return fromId;
    const known = source.exchangeInfo().some((info) => info.symbol === symbol);
    if (!known) return invalidSymbol;
    const found = source.trades?.(symbol, { fromId, limit: Math.min(limit || 500, 1000) }) ?? "[]";
    return timed(found, unit);
  }

  /** Null if the symbol has the status that `symbolStatus` requests, or if the request has no `symbolStatus`. */
  function statusRefusal(symbol: string, parameters: URLSearchParams): Refusal | null {
    const wanted = parameters.get("symbolStatus");
    if (wanted === null) return null;
    if (!statuses.includes(wanted)) return refuse(-1100, "Illegal characters found in parameter 'symbolStatus'.");
    const info = source.exchangeInfo().find((candidate) => candidate.symbol === symbol);
    const matches = info === undefined || (info.status ?? "TRADING") === wanted;
    return matches ? null : refuse(-1220, "The symbol's status does not match the requested symbolStatus.");
  }

  return {
    answer(request, address, now) {
      const url = new URL(request.url);
      const unit = parseTimeUnit(request.headers.get("x-mbx-time-unit"));
      const clock = deps.clockMs?.() ?? now;
      const found = endpoint(url.pathname, url.searchParams, clock, unit);
      if (found === null) return new Response(null, { status: 404 });
      if (request.method !== "GET") return new Response(null, { status: 405, headers: { allow: "GET" } });
      const verdict = weights.charge(address, found.weight, now);
      const used = { "x-mbx-used-weight": String(verdict.used), "x-mbx-used-weight-1m": String(verdict.used) };
      if (!verdict.allowed) {
        const msg =
          verdict.status === 429
            ? `Too much request weight used; current limit is ${options.weightPerMinute} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`
            : `Way too much request weight used; IP banned until ${weights.bannedUntil(address, now)}. Please use WebSocket Streams for live updates to avoid bans.`;
        const headers = { ...used, "retry-after": String(verdict.retryAfterSeconds) };
        return json(verdict.status, JSON.stringify({ code: -1003, msg }), headers);
      }
      const reply = found.reply();
      if (typeof reply === "string") return json(200, reply, used);
      return json(400, JSON.stringify({ code: reply.code, msg: reply.msg }), used);
    },
  };
}

type Endpoint = { readonly weight: number; reply(): string | Refusal };

/** What `symbolStatus` may ask for (rest-api.md, "Order book"). */
const statuses: readonly string[] = ["TRADING", "HALT", "BREAK"];

const invalidSymbol = refuse(-1121, "Invalid symbol.");

function refuse(code: number, msg: string): Refusal {
  return { refused: true, code, msg };
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null;
}

/** Weights by the limit asked for, after it is cut to 5000 (rest-api.md, "Order book"). */
function depthWeight(limit: string | null): number {
  const asked = limit === null ? 100 : Number(limit);
  if (!(asked > 100)) return 5;
  return asked <= 500 ? 25 : asked <= 1000 ? 50 : 250;
}

function symbolOf(parameters: URLSearchParams): string | Refusal {
  const symbol = parameters.get("symbol");
  if (symbol === null || symbol === "") {
    return refuse(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.");
  }
  return checkSymbol(symbol, "symbol") ?? symbol;
}

function checkSymbol(symbol: string, parameter: string): Refusal | null {
  if (/^[\p{L}\p{M}\p{N}\-_.]{1,50}$/u.test(symbol) && symbol === symbol.toUpperCase()) return null;
  return refuse(
    -1100,
    `Illegal characters found in parameter '${parameter}'; legal range is '^[\\w\\-._&&[^a-z]]{1,50}$'.`,
  );
}

function parseSymbols(text: string): string[] | Refusal {
  const malformed = refuse(
    -1100,
    "Illegal characters found in parameter 'symbols'; legal range is a JSON list of symbols.",
  );
  let symbols: unknown;
  try {
    symbols = JSON.parse(text);
  } catch {
    return malformed;
  }
  if (!Array.isArray(symbols) || symbols.length === 0) return malformed;
  if (!symbols.every((symbol): symbol is string => typeof symbol === "string")) return malformed;
  for (const symbol of symbols) {
    const refusal = checkSymbol(symbol, "symbols");
    if (refusal !== null) return refusal;
  }
  return symbols;
}

function integerOf(parameters: URLSearchParams, name: string): number | null | Refusal {
  const text = parameters.get(name);
  if (text === null) return null;
  if (/^[0-9]{1,20}$/.test(text)) return Number(text);
  return refuse(-1100, `Illegal characters found in parameter '${name}'; legal range is '^[0-9]{1,20}$'.`);
}

/** Reads a time in ms or µs as whole ms (rest-api.md, "General API Information": both units are accepted). */
function timeOf(parameters: URLSearchParams, name: string): number | null | Refusal {
  const time = integerOf(parameters, name);
  return typeof time === "number" ? Math.floor(exchangeMs(time)) : time;
}

/** The time to report; in µs with the part of the millisecond that has passed. */
function serverTime(nowMs: number, unit: TimeUnit | null): number {
  if (unit !== "us") return nowMs;
  const passedMs = performance.timeOrigin + performance.now() - Date.now();
  return Math.floor((nowMs + Math.min(0.999, Math.max(0, passedMs))) * 1000);
}

function json(status: number, body: string, headers: Record<string, string>): Response {
  return new Response(body, { status, headers: { "content-type": "application/json;charset=UTF-8", ...headers } });
}
