import type { Database } from "bun:sqlite";
import type { Day } from "../../domain/day.ts";
import type { ArchiveDate, ArchiveDates, ArchivedDay, ArchiveSummary, Page } from "../../domain/queries.ts";
import type { StreamFolder } from "../../domain/stream.ts";

/** Stores the manifests' data of each archived day, and when it was verified. Can be rebuilt from the manifests. */
export type ArchiveDays = {
  /** Saves or updates a day. `manifestMs`: when its manifest was last changed. The later time of verification is kept. */
  save(day: ArchivedDay, manifestMs: number): void;
  /** Removes a day whose archive is gone. */
  remove(day: Day): void;
  /** Saves when the archive of a day was read and matched its manifest. */
  saveVerified(day: Day, atUs: number): void;
  /** When the manifest of each listed day was last changed, by `stream/symbol/date`. */
  known(): Map<string, number>;
  /** When the manifest of one day was last changed; null if the day is not listed. */
  manifestMs(day: Day): number | null;
  /** The next few hundred days after this day, by date, symbol and stream; null: from the beginning. */
  after(day: Day | null): readonly Day[];
  /** Every day, by date, symbol and stream. */
  all(): readonly ArchivedDay[];
  get(day: Day): ArchiveSummary | null;
  /** A page of days, newest date first, then by symbol and stream; `after` is the `next` of the previous page. */
  page(filter: ArchiveFilter, limit: number, after: string | null): Page<ArchiveSummary>;
  /**
   * Coverage of every symbol and day from `from` to `to`, both included; the worst of several streams. `missing_us` is null if it is
   * not known yet.
   */
  coverage(
    stream: StreamFolder | null,
    from: string,
    to: string,
  ): readonly { symbol: string; date: string; coverage: number; missing_us: number | null }[];
  /** Streams and symbols with archives. */
  series(stream: StreamFolder | null): readonly Pick<Day, "stream" | "symbol">[];
  /** The archives by date, newest first, and the sum over all. */
  dates(limit: number, after: string | null): ArchiveDates;
  /** Total days, rows and bytes. */
  totals(): { readonly days: number; readonly rows: number; readonly compressed_bytes: number };
};

export type ArchiveFilter = {
  readonly stream: StreamFolder | null;
  readonly symbol: string | null;
  readonly date: string | null;
};

const summary =
  "stream, symbol, date, rows, raw_bytes, compressed_bytes, sha256, coverage, gaps, delay_p50_ms, delay_p99_ms, verified_us";
const facts = `${summary.replace(", verified_us", "")}, first_recv_us, last_recv_us, minutes_with_rows, hole_us, missing, repaired, missing_us`;
const columns = `${facts}, verified_us`;
const sums =
  "count(*) as files, count(verified_us) as verified, " +
  "iif(count(verified_us) = count(*), min(verified_us), null) as verified_us, coalesce(sum(rows), 0) as rows, " +
  "coalesce(sum(raw_bytes), 0) as raw_bytes, coalesce(sum(compressed_bytes), 0) as compressed_bytes, " +
  "coalesce(sum(gaps), 0) as gaps";

/** Creates the access to the table of archived days. */
export function createArchiveDays(database: Database): ArchiveDays {
  createArchiveDayTable(database);
  const insert = database.query(`
    insert into archive_day (${columns}, manifest_ms) values (${columns.replace(/\w+/g, "$$$&")}, $manifest_ms)
    on conflict do update set ${facts.replace(/\w+/g, "$& = excluded.$&")}, manifest_ms = excluded.manifest_ms,
      verified_us = coalesce(max(verified_us, excluded.verified_us), excluded.verified_us, verified_us)`);
  const verify = database.query("update archive_day set verified_us = ? where date = ? and symbol = ? and stream = ?");
  const all = database.query<ArchivedDay, []>(`select ${columns} from archive_day order by date, symbol, stream`);
  const remove = database.query("delete from archive_day where date = ? and symbol = ? and stream = ?");
  const summaryOf = database.query<ArchiveSummary, [string, string, string]>(
    `select ${summary} from archive_day where date = ? and symbol = ? and stream = ?`,
  );
  const page = database.query<ArchiveSummary, [Record<string, string | number | null>]>(`
    select ${summary} from archive_day
    where ($stream is null or stream = $stream) and ($symbol is null or symbol = $symbol) and ($date is null or date = $date)
      and (date < $afterDate or (date = $afterDate and (symbol, stream) > ($afterSymbol, $afterStream)))
    order by date desc, symbol, stream limit $limit`);
  const coverageOf = database.query<
    { symbol: string; date: string; coverage: number; missing_us: number | null },
    [string, string, string | null]
  >(`
    select symbol, date, min(coverage) as coverage, max(missing_us) as missing_us from archive_day
    where date >= ?1 and date <= ?2 and (?3 is null or stream = ?3) group by symbol, date`);
  const known = database.query<{ key: string; ms: number }, []>(
    "select stream || '/' || symbol || '/' || date as key, manifest_ms as ms from archive_day",
  );
  const changedMsOf = database.query<{ ms: number }, [string, string, string]>(
    "select manifest_ms as ms from archive_day where date = ? and symbol = ? and stream = ?",
  );
  const nextDays = database.query<Day, [string, string, string]>(
    "select date, symbol, stream from archive_day where (date, symbol, stream) > (?, ?, ?) " +
      "order by date, symbol, stream limit 500",
  );
  const totals = database.query<{ days: number; rows: number; compressed_bytes: number }, []>(
    "select count(*) as days, coalesce(sum(rows), 0) as rows, coalesce(sum(compressed_bytes), 0) as compressed_bytes from archive_day",
  );
  const seriesOf = database.query<Pick<Day, "stream" | "symbol">, [string | null]>(
    "select distinct stream, symbol from archive_day where ?1 is null or stream = ?1",
  );
  const dates = database.query<Omit<ArchiveDate, "missing_s"> & { missing_us: number | null }, [string, number]>(
    `select date, ${sums}, min(coverage) as coverage, max(missing_us) as missing_us from archive_day
    where date < ? group by date order by date desc limit ?`,
  );
  const sum = database.query<ArchiveDates["total"], []>(
    `select count(distinct date) as days, ${sums} from archive_day`,
  );
  return {
    save: (day, manifestMs) => void insert.run({ ...day, manifest_ms: manifestMs }),
    remove: ({ date, symbol, stream }) => void remove.run(date, symbol, stream),
    saveVerified: ({ date, symbol, stream }, atUs) => void verify.run(atUs, date, symbol, stream),
    known: () => new Map(known.all().map(({ key, ms }) => [key, ms])),
    manifestMs: ({ date, symbol, stream }) => changedMsOf.get(date, symbol, stream)?.ms ?? null,
    after: (day) => nextDays.all(day?.date ?? "", day?.symbol ?? "", day?.stream ?? ""),
    all: () => all.all(),
    get: ({ date, symbol, stream }) => summaryOf.get(date, symbol, stream),
    page({ stream, symbol, date }, limit, after) {
      const [afterDate = "9", afterSymbol = "", afterStream = ""] = after?.split("/") ?? [];
      const items = page.all({ stream, symbol, date, afterDate, afterSymbol, afterStream, limit: limit + 1 });
      const last = items.length > limit ? items[limit - 1] : undefined;
      const next = last === undefined ? null : `${last.date}/${last.symbol}/${last.stream}`;
      return { items: items.slice(0, limit), next };
    },
    coverage: (stream, from, to) => coverageOf.all(from, to, stream),
    series: (stream) => seriesOf.all(stream),
    dates(limit, after) {
      const rows = dates.all(/^[\d-]{10}$/.test(after ?? "") ? (after ?? "9") : "9", limit + 1);
      const items = rows
        .slice(0, limit)
        .map(({ missing_us, ...row }) => ({ ...row, missing_s: secondsOf(missing_us, row.coverage) }));
      return {
        items,
        next: rows.length > limit ? (items.at(-1)?.date ?? null) : null,
        total: sum.get() ?? noArchives,
      };
    },
    totals: () => totals.get() ?? { days: 0, rows: 0, compressed_bytes: 0 },
  };
}

/** Returns missing time of a day, s, rounded up: only a complete day misses nothing. */
export function secondsOf(missingUs: number | null, coverage: number): number {
  return Math.ceil(missingUs === null ? (1 - coverage) * 86_400 : missingUs / 1e6);
}

const noArchives = {
  days: 0,
  files: 0,
  verified: 0,
  verified_us: null,
  rows: 0,
  raw_bytes: 0,
  compressed_bytes: 0,
  gaps: 0,
};

const schema = `
  create table if not exists archive_day (
    date text not null, symbol text not null, stream text not null, rows integer not null, raw_bytes integer not null,
    compressed_bytes integer not null, sha256 text not null, coverage real not null, gaps integer not null,
    delay_p50_ms real, delay_p99_ms real, first_recv_us integer not null, last_recv_us integer not null,
    minutes_with_rows integer not null, hole_us integer not null, missing integer not null, repaired integer not null,
    verified_us integer, manifest_ms integer not null, missing_us integer,
    primary key (date, symbol, stream)
  ) strict, without rowid;
`;

/**
 * Catalogues from before 0.2 have two tables of archived days, or only `archive`. They are joined into one table. All days get
 * `manifest_ms` 0, so that their manifests are read again.
 */
const joinTables = `
  create table if not exists archive_day (date, symbol, stream, sha256, coverage, delay_p50_ms, delay_p99_ms, manifest_ms);
  alter table archive_day rename to archive_day_before;
  ${schema}
  insert into archive_day
    select date, symbol, stream, a.rows, a.raw_bytes, a.compressed_bytes, coalesce(b.sha256, ''), coalesce(b.coverage, 0), a.gaps,
      b.delay_p50_ms, b.delay_p99_ms, a.first_recv_us, a.last_recv_us, a.minutes_with_rows, a.hole_us, a.missing, a.repaired,
      a.verified_us, 0, null
    from archive a left join archive_day_before b using (date, symbol, stream);
  drop table archive_day_before;
  drop table archive;
`;

/** Creates the table of archived days if needed, from the tables of an older catalogue if they exist. */
export function createArchiveDayTable(database: Database): void {
  const isOld = database.query("select 1 from sqlite_schema where type = 'table' and name = 'archive'").get() !== null;
  if (isOld) database.transaction(() => database.run(joinTables))();
  else database.run(schema);
  addMissingTime(database);
}

/** Adds the missing time to a catalogue from before 0.28. All manifests are read again, because coverage is computed differently. */
function addMissingTime(database: Database): void {
  const columns = database.query<{ name: string }, []>("select name from pragma_table_info('archive_day')").all();
  if (columns.some(({ name }) => name === "missing_us")) return;
  database.run("alter table archive_day add column missing_us integer");
  database.run("update archive_day set manifest_ms = 0");
}
