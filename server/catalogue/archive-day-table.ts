import type { Database } from "bun:sqlite";

const schema = `
  create table if not exists archive_day (
    date text not null, symbol text not null, stream text not null, rows integer not null, raw_bytes integer not null,
    compressed_bytes integer not null, sha256 text not null, coverage real not null, gaps integer not null,
    delay_p50_ms real, delay_p99_ms real, first_recv_us integer not null, last_recv_us integer not null,
    minutes_with_rows integer not null, hole_us integer not null, missing integer not null, repaired integer not null,
    verified_us integer, manifest_ms integer not null,
    primary key (date, symbol, stream)
  ) strict, without rowid;
`;

/**
 * Catalogues of before 0.2 have two tables of archived days, some of them only `archive`. What both know becomes a row; one that
 * only `archive` knows is read anew from its manifest at the next look, since nothing says when that was last changed.
 */
const joinTables = `
  create table if not exists archive_day (date, symbol, stream, sha256, coverage, delay_p50_ms, delay_p99_ms, manifest_ms);
  alter table archive_day rename to archive_day_before;
  ${schema}
  insert into archive_day
    select date, symbol, stream, a.rows, a.raw_bytes, a.compressed_bytes, coalesce(b.sha256, ''), coalesce(b.coverage, 0), a.gaps,
      b.delay_p50_ms, b.delay_p99_ms, a.first_recv_us, a.last_recv_us, a.minutes_with_rows, a.hole_us, a.missing, a.repaired,
      a.verified_us, coalesce(b.manifest_ms, 0)
    from archive a left join archive_day_before b using (date, symbol, stream);
  drop table archive_day_before;
  drop table archive;
`;

/** Creates the table of archived days where there is none, out of those of older catalogues where they are. */
export function createArchiveDayTable(database: Database): void {
  const isOld = database.query("select 1 from sqlite_schema where type = 'table' and name = 'archive'").get() !== null;
  if (isOld) database.transaction(() => database.run(joinTables))();
  else database.run(schema);
}
