/** Counts attempts to connect per address. */
export type ConnectLimit = {
  /** Counts an attempt at `now` (ms); true if it is within the limit. */
  admit(address: string, now: number): boolean;
};

/** Addresses remembered. Beyond that, the address whose last attempt is oldest is forgotten. */
const maxAddresses = 10_000;

/**
 * Allows `attempts` in any `windowMs` per address. Refused attempts count too: a client that goes on trying stays refused.
 * Source: binance-spot-api-docs, web-socket-streams.md, "Websocket Limits": 300 attempts every 5 minutes.
 */
export function createConnectLimit(options: { attempts: number; windowMs: number }): ConnectLimit {
  const { attempts, windowMs } = options;
  const byAddress = new Map<string, number[]>();
  return {
    admit(address, now) {
      if (!Number.isFinite(attempts)) return true;
      const times = byAddress.get(address) ?? [];
      byAddress.delete(address);
      byAddress.set(address, times);
      const [oldest] = byAddress.keys();
      if (byAddress.size > maxAddresses && oldest !== undefined) byAddress.delete(oldest);
      const earlier = times.length < attempts ? null : (times.shift() ?? null);
      if (attempts > 0) times.push(now);
      return attempts > 0 && (earlier === null || earlier <= now - windowMs);
    },
  };
}
