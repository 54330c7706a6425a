/** Counts messages per second over the last few seconds, for many counters with one timer. */
export type Rates<K> = {
  /** Replaces the set of keys. Keys that stay keep their counts. */
  setKeys(keys: readonly K[]): void;
  /** Counts one message of this key. */
  count(key: K): void;
  /** Ends the current second. Must be called every second with the time. */
  tick(nowUs: number): void;
  total(key: K): number;
  perSecond(key: K): number;
};

/** Length of the average, s. */
const averageSeconds = 5;

/** Creates the counters. Keys are compared by identity. */
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
      if (ticks.length <= averageSeconds + 1) return;
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
