import type { Database } from "bun:sqlite";
import type { Page, RecorderEvent } from "../../domain/queries.ts";

/** Rows per minute of a stream in the current day. */
type KeptMinutes = {
  readonly dayStart: number;
  readonly firstUs: number;
  readonly lastUs: number;
  readonly rows: Uint16Array;
};

/** Mid prices by minute; `fromUs` is the start of the first. */
type KeptMids = { readonly fromUs: number; readonly values: readonly (number | null)[] };

type KeptRow = { readonly from_us: number; readonly values: readonly (number | null)[] };

/** Stores the dashboard's data across restarts; all of it is bounded. */
export type DashboardHistory = {
  /** A page of events, newest first; `after` is the `next` of the previous page. */
  events(limit: number, after: string | null): Page<RecorderEvent>;
  keepSeries(rows: readonly KeptRow[]): void;
  /** Returns the intervals from `fromUs` on, in order, and deletes older intervals. */
  series(fromUs: number): readonly KeptRow[];
  /** Saves the counts of a stream's day, in place of its earlier counts; `key` names the stream. */
  keepMinutes(key: string, day: KeptMinutes): void;
  minutes(): readonly (readonly [key: string, day: KeptMinutes])[];
  /** Saves a symbol's mid prices of an hour, in place of the earlier ones. */
  keepMids(symbol: string, hour: KeptMids): void;
  mids(): readonly (readonly [symbol: string, hour: KeptMids])[];
};

const schema = `
  create table if not exists series (from_us integer primary key, value text not null) strict;
  create table if not exists minute_rows (
    key text primary key, day_start integer not null, first_us integer not null, last_us integer not null, rows blob not null
  ) strict, without rowid;
  create table if not exists mid_hour (symbol text primary key, from_us integer not null, value text not null) strict, without rowid;
`;

type MinuteRow = { key: string; day_start: number; first_us: number; last_us: number; rows: Uint8Array };

/** Creates the access to the dashboard's tables; needs the table `event`. */
export function createDashboardHistory(database: Database): DashboardHistory {
  database.run(schema);
  const events = database.query<RecorderEvent & { id: number }, [number, number]>(
    "select id, at_us, kind, message as detail from event where id < ? order by id desc limit ?",
  );
  const insertSeries = database.query("insert or replace into series (from_us, value) values (?, ?)");
  const forgetSeries = database.query("delete from series where from_us < ?");
  const series = database.query<{ from_us: number; value: string }, []>(
    "select from_us, value from series order by from_us",
  );
  const insertMinutes = database.query("insert or replace into minute_rows values (?, ?, ?, ?, ?)");
  const minutes = database.query<MinuteRow, []>("select * from minute_rows");
  const insertMids = database.query("insert or replace into mid_hour values (?, ?, ?)");
  const mids = database.query<{ symbol: string; from_us: number; value: string }, []>("select * from mid_hour");
  return {
    events(limit, after) {
      const before = /^\d{1,15}$/.test(after ?? "") ? Number(after) : Number.MAX_SAFE_INTEGER;
      const rows = events.all(before, limit + 1);
      const items = rows
        .slice(0, limit)
        .map(({ at_us, kind, detail }) => ({ at_us, kind, detail: detail === "" ? null : detail }));
      return { items, next: rows.length > limit ? String(rows[limit - 1]?.id) : null };
    },
    keepSeries(rows) {
      for (const { from_us, values } of rows) insertSeries.run(from_us, JSON.stringify(values));
    },
    series(fromUs) {
      forgetSeries.run(fromUs);
      return series.all().map(({ from_us, value }) => ({ from_us, values: JSON.parse(value) as (number | null)[] }));
    },
    keepMinutes(key, { dayStart, firstUs, lastUs, rows }) {
      insertMinutes.run(key, dayStart, firstUs, lastUs, new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
    },
    keepMids: (symbol, { fromUs, values }) => void insertMids.run(symbol, fromUs, JSON.stringify(values)),
    mids: () =>
      mids.all().map(({ symbol, from_us, value }) => [symbol, { fromUs: from_us, values: JSON.parse(value) }] as const),
    minutes: () =>
      minutes.all().flatMap(({ key, day_start, first_us, last_us, rows }) => {
        if (rows.byteLength !== 2880) return [];
        const counts = new Uint16Array(rows.slice().buffer);
        return [[key, { dayStart: day_start, firstUs: first_us, lastUs: last_us, rows: counts }] as const];
      }),
  };
}
