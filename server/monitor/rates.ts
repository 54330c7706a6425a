/** Messages per second over the last few seconds, for many counters at the price of one timer. */
export type Rates<K> = {
  /** These keys from now on; what is known of those that stay is kept. */
  setKeys(keys: readonly K[]): void;
  /** One more of this key. */
  count(key: K): void;
  /** Closes the running second; call it once a second with the time. */
  tick(nowUs: number): void;
  total(key: K): number;
  perSecond(key: K): number;
};

/** Seconds that a rate looks back. */
const span = 5;

/** Keys are compared by identity; the ones given exist from the start. */
export function createRates<K>(keys: readonly K[]): Rates<K> {
  let counters = new Map(keys.map((key) => [key, fresh()]));
  const ticks: number[] = [];

  return {
    setKeys(wanted) {
      counters = new Map(wanted.map((key) => [key, counters.get(key) ?? fresh()]));
    },
    count(key) {
      const counter = counters.get(key);
      if (counter !== undefined) counter.total++;
    },
    tick(nowUs) {
      ticks.push(nowUs);
      for (const counter of counters.values()) counter.history.push(counter.total);
      if (ticks.length <= span + 1) return;
      ticks.shift();
      for (const counter of counters.values()) counter.history.shift();
    },
    total: (key) => counters.get(key)?.total ?? 0,
    perSecond(key) {
      const history = counters.get(key)?.history ?? [];
      const seconds = ((ticks.at(-1) ?? 0) - (ticks[0] ?? 0)) / 1e6;
      const count = (history.at(-1) ?? 0) - (history.at(-ticks.length) ?? 0);
      return seconds > 0 ? Math.round((count / seconds) * 10) / 10 : 0;
    },
  };
}

function fresh(): { total: number; history: number[] } {
  return { total: 0, history: [0] };
}
