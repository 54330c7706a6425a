import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import type { Stream } from "../../domain/stream.ts";
import { encodeName, splitNames } from "./subscriptions.ts";

/** How one socket subscribes: some streams in the URL, the rest by SUBSCRIBE messages. */
export type Subscription = {
  readonly url: string;
  readonly inUrl: readonly string[];
  /** Streams for SUBSCRIBE messages once the socket is open. */
  readonly rest: readonly string[];
};

/** Most streams per socket. Binance closes a socket with more than 1024 streams. Fewer streams suffer from one cut socket. */
export const streamsPerSocket = 400;

/** Spreads streams evenly over as few sockets as possible. Streams of one symbol stay together. */
export function spreadStreams(
  streams: readonly Stream[],
  perSocket = streamsPerSocket,
): readonly (readonly Stream[])[] {
  const bySymbol = new Map<string, Stream[]>();
  for (const stream of streams) {
    const ofSymbol = bySymbol.get(stream.symbol);
    if (ofSymbol === undefined) bySymbol.set(stream.symbol, [stream]);
    else ofSymbol.push(stream);
  }
  const sockets = Math.ceil(streams.length / perSocket);
  const share = Math.ceil(bySymbol.size / Math.max(1, sockets));
  const groups = [...bySymbol.values()];
  return Array.from({ length: sockets }, (_, n) => groups.slice(n * share, (n + 1) * share).flat()).filter(
    (g) => g.length > 0,
  );
}

/**
 * Builds the combined-stream URL for these streams. `wsUrl` has no trailing slash. Without `timeUnit` times are in ms. Source:
 * web-socket-streams.md, "General WSS information".
 */
export function subscriptionOf(wsUrl: string, names: readonly string[], timeUnit: TimeUnit = "ms"): Subscription {
  const [inUrl = [], ...rest] = splitNames(names);
  const unit = timeUnit === "us" ? "&timeUnit=MICROSECOND" : "";
  return { url: `${wsUrl}/stream?streams=${inUrl.map(encodeName).join("/")}${unit}`, inUrl, rest: rest.flat() };
}

/**
 * Lists the addresses for sockets, to be used in turn: the configured addresses. For the exchange's own host both of its ports are used,
 * so that two sockets never depend on the same port. Source: web-socket-streams.md, "General WSS information".
 */
export function addressesOf(wsUrl: string, wsUrls: readonly string[]): readonly string[] {
  const twins: Record<string, string> = {
    "wss://stream.binance.com:9443": "wss://stream.binance.com:443",
    "wss://stream.binance.com:443": "wss://stream.binance.com:9443",
    "wss://stream.binance.com": "wss://stream.binance.com:9443",
  };
  const twin = wsUrls.length === 0 ? twins[wsUrl] : undefined;
  return [...new Set([wsUrl, ...(twin === undefined ? [] : [twin]), ...wsUrls])];
}

/** Returns host and port of an URL, for logs and texts. */
export function hostOfAddress(url: string): string {
  return new URL(url).host;
}
