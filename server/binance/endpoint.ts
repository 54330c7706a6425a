import type { Stream } from "../stream.ts";

/** How the streams of one socket are asked for: some in the URL, the rest by SUBSCRIBE once it is open. */
export type Subscription = {
  readonly url: string;
  /** `params` of the SUBSCRIBE messages, in order. */
  readonly batches: readonly (readonly string[])[];
};

/** Streams a socket; Binance allows 1024 and closes the socket at 1025. Fewer, so that one cut costs fewer. */
export const streamsPerSocket = 400;

/** Longest list of names in an URL or a SUBSCRIBE, characters: longer ones have been ignored without a word. */
const longestList = 4000;

/** Spreads streams evenly over as few sockets as are allowed; a symbol's streams stay together. */
export function spreadStreams(
  streams: readonly Stream[],
  perSocket = streamsPerSocket,
): readonly (readonly Stream[])[] {
  const bySymbol = new Map<string, Stream[]>();
  for (const stream of streams) bySymbol.set(stream.symbol, [...(bySymbol.get(stream.symbol) ?? []), stream]);
  const sockets = Math.ceil(streams.length / perSocket);
  const share = Math.ceil(bySymbol.size / Math.max(1, sockets));
  const groups = [...bySymbol.values()];
  return Array.from({ length: sockets }, (_, n) => groups.slice(n * share, (n + 1) * share).flat()).filter(
    (g) => g.length > 0,
  );
}

/** The combined stream's URL and the SUBSCRIBE batches for these streams. `wsUrl` has no trailing slash. */
export function subscriptionOf(wsUrl: string, streams: readonly Stream[]): Subscription {
  const lists: string[][] = [];
  let length = longestList;
  for (const { name } of streams) {
    if (length + name.length + 3 > longestList) {
      lists.push([]);
      length = 0;
    }
    lists.at(-1)?.push(name);
    length += name.length + 3;
  }
  const [first = [], ...batches] = lists;
  return { url: `${wsUrl}/stream?streams=${first.map(encodeName).join("/")}`, batches };
}

/** Host and port of an URL, for people and logs. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%40", "@");
}
