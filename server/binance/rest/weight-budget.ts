/** Counts request weight per UTC minute, as Binance does. */
export type WeightBudget = {
  /** Charges `weight` and returns 0 if it fits into this minute; otherwise returns the time until the next attempt, ms. */
  acquire(weight: number, share: number): number;
  /** Takes over `X-MBX-USED-WEIGHT-1M`: the weight used by this address, including this process. */
  report(used: number): void;
  /** Returns the weight that this process has used in this minute. */
  used(): number;
};

/** Part of the address's limit beyond which this process sends no request, whichever program used the weight. */
const addressShare = 0.8;
const minuteMs = 60_000;

/** Wait after the start of a minute until the exchange's clock has surely reached it, ms. */
const slackMs = 500;

/**
 * Creates the budget. `own`: most weight that this process uses per minute. `limit`: the weight that the exchange allows the address
 * (6000; source: rest-api.md, "IP Limits"). `share` of a request: the part of `own` that requests of its priority may use, so that
 * weight remains for more urgent requests.
 */
export function createWeightBudget(options: { own: number; limit: number }, now: () => number): WeightBudget {
  let minute = -1;
  let own = 0;
  let ofAddress = 0;

  function startMinute(): number {
    const ms = now();
    const current = Math.floor(ms / minuteMs);
    if (current !== minute) {
      minute = current;
      own = 0;
      ofAddress = 0;
    }
    return minuteMs - (ms % minuteMs) + slackMs;
  }

  return {
    acquire(weight, share) {
      const waitMs = startMinute();
      // A request larger than its share is sent if it is the first in its minute.
      const fitsOwn = own + weight <= options.own * share || own === 0;
      if (!fitsOwn || ofAddress + weight > options.limit * addressShare) return waitMs;
      own += weight;
      ofAddress += weight;
      return 0;
    },
    report(used) {
      startMinute();
      ofAddress = Math.max(ofAddress, used);
    },
    used() {
      startMinute();
      return own;
    },
  };
}
