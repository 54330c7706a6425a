import type { Stream } from "../../domain/stream.ts";
import { splitNames } from "./subscriptions.ts";

/** How the streams of one socket are asked for: some in the URL, the rest by SUBSCRIBE once it is open. */
export type Subscription = {
  readonly url: string;
  readonly inUrl: readonly string[];
  /** What is left for SUBSCRIBE. */
  readonly rest: readonly string[];
};

/** Streams a socket; Binance allows 1024 and closes the socket at 1025. Fewer, so that one cut costs fewer. */
export const streamsPerSocket = 400;

/** Spreads streams evenly over as few sockets as are allowed; a symbol's streams stay together. */
export function spreadStreams(
  streams: readonly Stream[],
  perSocket = streamsPerSocket,
): readonly (readonly Stream[])[] {
  const bySymbol = new Map<string, Stream[]>();
  for (const stream of streams) {
    const own = bySymbol.get(stream.symbol);
    if (own === undefined) bySymbol.set(stream.symbol, [stream]);
    else own.push(stream);
  }
  const sockets = Math.ceil(streams.length / perSocket);
  const share = Math.ceil(bySymbol.size / Math.max(1, sockets));
  const groups = [...bySymbol.values()];
  return Array.from({ length: sockets }, (_, n) => groups.slice(n * share, (n + 1) * share).flat()).filter(
    (g) => g.length > 0,
  );
}

/** The combined stream's URL for these streams. `wsUrl` has no trailing slash. */
export function subscriptionOf(wsUrl: string, names: readonly string[]): Subscription {
  const [inUrl = [], ...rest] = splitNames(names);
  return { url: `${wsUrl}/stream?streams=${inUrl.map(encodeName).join("/")}`, inUrl, rest: rest.flat() };
}

/**
 * Where sockets may go, in turn: the configured addresses; for the exchange's own host both of its ports, so that two sockets never
 * depend on one of them. Source: web-socket-streams.md, "General WSS information".
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

/** Host and port of an URL, for people and logs. */
export function hostOfAddress(url: string): string {
  return new URL(url).host;
}

function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%40", "@");
}
