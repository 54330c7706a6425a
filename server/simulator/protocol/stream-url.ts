import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import { parseTimeUnit } from "./time-unit.ts";

/** What the URL of a WebSocket asks for. */
export type StreamRequest = {
  readonly streams: readonly string[];
  /** Whether payloads are wrapped as `{"stream":…,"data":…}` from the start. */
  readonly combined: boolean;
  /** The unit of times that was asked for; null: as the source has them, which is ms except in recordings. */
  readonly timeUnit: TimeUnit | null;
};

/**
 * Reads `/ws`, `/ws/<stream>[/<stream>…]`, `/stream` and `/stream?streams=<stream>/<stream>…`, percent-encoded or not; null
 * for any other path. Source: binance-spot-api-docs, web-socket-streams.md, "General WSS information".
 */
export function parseStreamUrl(text: string): StreamRequest | null {
  const url = new URL(text);
  const path = decode(url.pathname);
  const query = queryOf(url.search);
  if (path === null || query === null) return null;
  const timeUnit = parseTimeUnit(query.get("timeUnit") ?? null);
  const raw = /^\/ws(?:\/(.*))?$/.exec(path);
  if (raw !== null) return { streams: splitNames(raw[1] ?? ""), combined: false, timeUnit };
  if (!/^\/stream\/?$/.test(path)) return null;
  return { streams: splitNames(query.get("streams") ?? ""), combined: true, timeUnit };
}

function splitNames(text: string): string[] {
  return [...new Set(text.split("/").filter((name) => name !== ""))];
}

/** By hand, because URLSearchParams would turn a `+` into a space. */
function queryOf(search: string): Map<string, string> | null {
  const query = new Map<string, string>();
  for (const pair of search.slice(1).split("&")) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const value = decode(pair.slice(equals + 1));
    if (value === null) return null;
    query.set(pair.slice(0, equals), value);
  }
  return query;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
