/** Counts request weight as Binance does, per UTC minute. */
export type WeightBudget = {
  /** Charges `weight` if it fits into this minute; otherwise says in how many ms to ask again. 0: charged. */
  take(weight: number, share: number): number;
  /** What `X-MBX-USED-WEIGHT-1M` said of this address, our own included. */
  report(used: number): void;
  /** Own weight in this minute. */
  used(): number;
};

/** Of what the exchange allows an address a minute, the part beyond which we keep still, whoever used it. */
const everybodysShare = 0.8;
const minuteMs = 60_000;

/** A minute counts as begun when the exchange's clock surely says so as well, ms. */
const slackMs = 500;

/**
 * `own`: the most weight that we spend a minute; `limit`: what the exchange allows the address (rest-api.md, "IP Limits": 6000).
 * `share` of a request is the part of our own that its kind may use up, so that there is always room for more urgent ones.
 */
export function createWeightBudget(options: { own: number; limit: number }, now: () => number): WeightBudget {
  let minute = -1;
  let own = 0;
  let everybody = 0;

  function turn(): number {
    const ms = now();
    const current = Math.floor(ms / minuteMs);
    if (current !== minute) {
      minute = current;
      own = 0;
      everybody = 0;
    }
    return minuteMs - (ms % minuteMs) + slackMs;
  }

  return {
    take(weight, share) {
      const waitMs = turn();
      // A request larger than all that its kind may use goes when it would be the first of its minute.
      const fitsOwn = own + weight <= options.own * share || own === 0;
      if (!fitsOwn || everybody + weight > options.limit * everybodysShare) return waitMs;
      own += weight;
      everybody += weight;
      return 0;
    },
    report(used) {
      turn();
      everybody = Math.max(everybody, used);
    },
    used() {
      turn();
      return own;
    },
  };
}
