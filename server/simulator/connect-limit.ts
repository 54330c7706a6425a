/** Counts attempts to connect per address. */
export type ConnectLimit = {
  /** Notes an attempt at `now` (ms) and says whether it is within the limit. */
  admit(address: string, now: number): boolean;
};

/** Addresses remembered; the one that tried least recently is forgotten first. */
const maxAddresses = 10_000;

/**
 * At most `attempts` in any `windowMs` per address, refused ones included, so that whoever storms on stays refused.
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
