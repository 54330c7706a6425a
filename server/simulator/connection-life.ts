import type { Ending } from "./faults/hooks.ts";

/** How long connections live, and how they end. */
export type LifeOptions = {
  /** Age at which a connection is ended, ms (24 h). */
  readonly lifeMs: number;
  /** Each connection lives this much longer than the previous connection, so that they do not end together, ms (0). */
  readonly lifeStaggerMs: number;
  /** The close at the end; what the exchange sends is not documented (code 1001). */
  readonly lifeEnd: Ending;
  /** `serverShutdown` comes this long before the end, ms; null: not at all, since no lead time is promised (null). */
  readonly shutdownLeadMs: number | null;
};

/** The clocks of all connections. */
export type Lives = {
  begin(connection: number): void;
  /** The connection is gone. */
  forget(connection: number): void;
};

/** The longest a timer can wait, ms. */
const longestMs = 2 ** 31 - 1;

/**
 * Ends each connection when its time is up.
 * Source: binance-spot-api-docs, web-socket-streams.md: "valid for 24 hours", and "Server Shutdown".
 */
export function createLives(
  options: LifeOptions,
  deps: { announce: (connection: number) => void; end: (connection: number, how: Ending) => void },
): Lives {
  const timers = new Map<number, ReturnType<typeof setTimeout>[]>();
  let begun = 0;

  return {
    begin(connection) {
      const lifeMs = Math.min(longestMs, options.lifeMs + options.lifeStaggerMs * begun++);
      const own = [setTimeout(() => deps.end(connection, options.lifeEnd), lifeMs)];
      if (options.shutdownLeadMs !== null) {
        own.push(setTimeout(() => deps.announce(connection), Math.max(0, lifeMs - options.shutdownLeadMs)));
      }
      timers.set(connection, own);
    },
    forget(connection) {
      for (const timer of timers.get(connection) ?? []) clearTimeout(timer);
      timers.delete(connection);
    },
  };
}
