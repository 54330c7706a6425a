import type { Database } from "bun:sqlite";
import type { ArchiveSummary, Page } from "../history.ts";
import type { Day } from "../segment.ts";

/** What the manifests say of each archived day, so that months are one question; can be rebuilt from them. */
export type ArchiveDays = {
  /** Notes a day or what is known now of it; `manifestMs` is when its manifest was last changed. */
  note(summary: ArchiveSummary, manifestMs: number): void;
  remove(day: Day): void;
  /** When the manifest of each known day was last changed, by `stream/symbol/date`. */
  known(): Map<string, number>;
  get(day: Day): ArchiveSummary | null;
  /** Newest date first, then by symbol and stream; `after` is the `next` of the page before. */
  page(filter: ArchiveFilter, limit: number, after: string | null): Page<ArchiveSummary>;
  /** Coverage of every symbol and day from `from` to `to`, both included; of several streams the least. */
  coverage(
    stream: string | null,
    from: string,
    to: string,
  ): readonly { symbol: string; date: string; coverage: number }[];
  /** Days, rows and bytes in all. */
  totals(): { readonly days: number; readonly rows: number; readonly compressed_bytes: number };
};

export type ArchiveFilter = {
  readonly stream: string | null;
  readonly symbol: string | null;
  readonly date: string | null;
};

const schema = `
  create table if not exists archive_day (
    date text not null, symbol text not null, stream text not null, rows integer not null, raw_bytes integer not null,
    compressed_bytes integer not null, sha256 text not null, coverage real not null, gaps integer not null,
    delay_p50_ms real, delay_p99_ms real, manifest_ms integer not null,
    primary key (date, symbol, stream)
  ) strict, without rowid;
`;

const columns =
  "stream, symbol, date, rows, raw_bytes, compressed_bytes, sha256, coverage, gaps, delay_p50_ms, delay_p99_ms";

/** The table of archived days. */
export function createArchiveDays(database: Database): ArchiveDays {
  database.run(schema);
  const insert = database.query(
    `insert or replace into archive_day (${columns}, manifest_ms) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const remove = database.query("delete from archive_day where date = ? and symbol = ? and stream = ?");
  const one = database.query<ArchiveSummary, [string, string, string]>(
    `select ${columns} from archive_day where date = ? and symbol = ? and stream = ?`,
  );
  const page = database.query<ArchiveSummary, [Record<string, string | number | null>]>(`
    select ${columns} from archive_day
    where ($stream is null or stream = $stream) and ($symbol is null or symbol = $symbol) and ($date is null or date = $date)
      and (date < $afterDate or (date = $afterDate and (symbol, stream) > ($afterSymbol, $afterStream)))
    order by date desc, symbol, stream limit $limit`);
  const covered = database.query<{ symbol: string; date: string; coverage: number }, [string, string, string | null]>(`
    select symbol, date, min(coverage) as coverage from archive_day
    where date >= ?1 and date <= ?2 and (?3 is null or stream = ?3) group by symbol, date`);
  const known = database.query<{ key: string; ms: number }, []>(
    "select stream || '/' || symbol || '/' || date as key, manifest_ms as ms from archive_day",
  );
  const totals = database.query<{ days: number; rows: number; compressed_bytes: number }, []>(
    "select count(*) as days, coalesce(sum(rows), 0) as rows, coalesce(sum(compressed_bytes), 0) as compressed_bytes from archive_day",
  );
  return {
    note(day, manifestMs) {
      insert.run(
        ...[day.stream, day.symbol, day.date, day.rows, day.raw_bytes, day.compressed_bytes, day.sha256, day.coverage],
        ...[day.gaps, day.delay_p50_ms, day.delay_p99_ms, manifestMs],
      );
    },
    remove: ({ date, symbol, stream }) => void remove.run(date, symbol, stream),
    known: () => new Map(known.all().map(({ key, ms }) => [key, ms])),
    get: ({ date, symbol, stream }) => one.get(date, symbol, stream),
    page({ stream, symbol, date }, limit, after) {
      const [afterDate = "9", afterSymbol = "", afterStream = ""] = after?.split("/") ?? [];
      const items = page.all({ stream, symbol, date, afterDate, afterSymbol, afterStream, limit: limit + 1 });
      const last = items.length > limit ? items[limit - 1] : undefined;
      const next = last === undefined ? null : `${last.date}/${last.symbol}/${last.stream}`;
      return { items: items.slice(0, limit), next };
    },
    coverage: (stream, from, to) => covered.all(from, to, stream),
    totals: () => totals.get() ?? { days: 0, rows: 0, compressed_bytes: 0 },
  };
}
