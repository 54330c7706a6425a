import { dayStartUs, dayUs } from "../domain/day.ts";

/** Rows of today by UTC minute, counted as they come: what a manifest will say of the day once it is merged. */
export type MinuteRows<K> = {
  /** These keys from now on; what is known of those that stay is kept. */
  setKeys(keys: readonly K[]): void;
  /** One more row. A row of a new day begins that day anew for its key. */
  count(key: K, recvUs: number): void;
  /** Today's 1440 counts, or null if `dayStart` is not the day that this key is in. */
  rows(key: K, dayStart: number): Uint16Array | null;
  /** First and last row of the day, µs, or null. */
  span(key: K, dayStart: number): { readonly firstUs: number; readonly lastUs: number } | null;
  /** Puts counts of an earlier run back, added to those there are. */
  restore(key: K, day: SavedMinutes): void;
  /** What is to be kept of a key over a restart, or null where nothing was counted. */
  save(key: K): SavedMinutes | null;
};

/** Counts of one stream's day as they are kept. */
export type SavedMinutes = {
  readonly dayStart: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly rows: Uint16Array;
};

type Counter = { dayStart: number; firstUs: number; lastUs: number; rows: Uint16Array };

const minuteUs = 60_000_000;

/** More rows a minute than this are written as this many. */
const most = 65_535;

/** About 3 kB a key. */
export function createMinuteRows<K>(keys: readonly K[]): MinuteRows<K> {
  const counters = new Map<K, Counter>();
  setKeys(keys);

  function setKeys(wanted: readonly K[]): void {
    for (const key of counters.keys()) if (!wanted.includes(key)) counters.delete(key);
    for (const key of wanted)
      if (!counters.has(key)) counters.set(key, { dayStart: 0, firstUs: 0, lastUs: 0, rows: new Uint16Array(1440) });
  }

  function begin(counter: Counter, recvUs: number): void {
    counter.dayStart = dayStartUs(recvUs);
    counter.firstUs = recvUs;
    counter.rows.fill(0);
  }

  return {
    setKeys,
    count(key, recvUs) {
      const counter = counters.get(key);
      if (counter === undefined) return;
      if (recvUs - counter.dayStart >= dayUs) begin(counter, recvUs);
      const minute = Math.floor((recvUs - counter.dayStart) / minuteUs);
      const before = counter.rows[minute] ?? 0;
      if (before < most) counter.rows[minute] = before + 1;
      counter.lastUs = recvUs;
    },
    rows(key, dayStart) {
      const counter = counters.get(key);
      return counter === undefined || counter.dayStart !== dayStart ? null : counter.rows;
    },
    span(key, dayStart) {
      const counter = counters.get(key);
      if (counter === undefined || counter.dayStart !== dayStart || counter.lastUs === 0) return null;
      return { firstUs: counter.firstUs, lastUs: counter.lastUs };
    },
    restore(key, day) {
      const counter = counters.get(key);
      if (counter === undefined || day.dayStart < counter.dayStart) return;
      if (day.dayStart > counter.dayStart) begin(counter, day.firstUs);
      counter.firstUs = Math.min(counter.firstUs, day.firstUs);
      counter.lastUs = Math.max(counter.lastUs, day.lastUs);
      for (let n = 0; n < 1440; n++) counter.rows[n] = Math.min(most, (counter.rows[n] ?? 0) + (day.rows[n] ?? 0));
    },
    save(key) {
      const counter = counters.get(key);
      if (counter === undefined || counter.lastUs === 0) return null;
      const { dayStart, firstUs, lastUs, rows } = counter;
      return { dayStart, firstUs, lastUs, rows };
    },
  };
}
