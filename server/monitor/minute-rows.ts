import { dayStartUs, dayUs } from "../domain/day.ts";

/** Rows of today by UTC minute, counted live. The manifest will hold the same counts once the day is merged. */
export type MinuteRows<K> = {
  /** Replaces the set of keys. Keys that stay keep their counts. */
  setKeys(keys: readonly K[]): void;
  /** Counts a row. A row of another day restarts the counts of its key. */
  count(key: K, recvUs: number): void;
  /** Returns today's 1440 counts; null if `dayStart` is not the current day of this key. */
  rows(key: K, dayStart: number): Uint16Array | null;
  /** Returns the first and the last row of the day, µs, or null. */
  span(key: K, dayStart: number): { readonly firstUs: number; readonly lastUs: number } | null;
  /** Adds counts of an earlier run to the current counts. */
  restore(key: K, day: SavedMinutes): void;
  /** Returns the counts of a key to store across a restart; null without counts. */
  save(key: K): SavedMinutes | null;
};

/** Stored counts of one stream's day. */
export type SavedMinutes = {
  readonly dayStart: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly rows: Uint16Array;
};

type Counter = { dayStart: number; firstUs: number; lastUs: number; rows: Uint16Array };

const minuteUs = 60_000_000;

/** Highest count per minute. Larger counts are stored as this value. */
const maxRows = 65_535;

/** Creates the counters: about 3 kB per key. */
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
      if (recvUs - counter.dayStart >= dayUs || recvUs < counter.dayStart) begin(counter, recvUs);
      const minute = Math.floor((recvUs - counter.dayStart) / minuteUs);
      const rowsBefore = counter.rows[minute] ?? 0;
      if (rowsBefore < maxRows) counter.rows[minute] = rowsBefore + 1;
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
      for (let n = 0; n < 1440; n++) counter.rows[n] = Math.min(maxRows, (counter.rows[n] ?? 0) + (day.rows[n] ?? 0));
    },
    save(key) {
      const counter = counters.get(key);
      if (counter === undefined || counter.lastUs === 0) return null;
      const { dayStart, firstUs, lastUs, rows } = counter;
      return { dayStart, firstUs, lastUs, rows };
    },
  };
}
