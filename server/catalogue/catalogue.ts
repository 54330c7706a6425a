import { Database } from "bun:sqlite";
import { join } from "node:path";
import type { Gap } from "../gap.ts";
import { messageOf } from "../problem.ts";
import type { Day } from "../segment.ts";
import { createGapQuery } from "./gap-query.ts";
import { createHoleStore, type HoleStore } from "./hole-store.ts";

/** What the recorder remembers between runs, in `rt-data.sqlite`. */
export type Catalogue = {
  /**
   * Begins a run and tells how the last one ended: when it last received something, and whether it stopped of its own will.
   * Null at the first run.
   */
  beginRun(startedUs: number): { readonly lastRecvUs: number; readonly clean: boolean } | null;
  /** Notes how far this run has got; `clean` when it ends of its own will. */
  noteRun(lastRecvUs: number, clean: boolean): void;
  /** Notes gaps, or what is known now of those that begin at the same time; an end only ever moves later. All or none. */
  noteGaps(gaps: readonly Gap[]): void;
  /** Pauses of trade streams of which nobody found out what was missed, each with the start of the run that ended it. */
  unjudgedPauses(): readonly { readonly gap: Gap; readonly resumedUs: number }[];
  /** So many more of the gap's missing records have been refetched. */
  noteRepair(gap: Pick<Gap, "stream" | "symbol" | "from_us">, records: number): void;
  /** Gaps of a day, clipped to it, in order. */
  gapsOf(day: Day): readonly Gap[];
  readonly holes: HoleStore;
  close(): void;
};

const schema = `
  create table if not exists run (
    id integer primary key, started_us integer not null, last_recv_us integer, clean integer not null default 0
  ) strict;
  create table if not exists gap (
    stream text not null, symbol text not null, from_us integer not null, to_us integer not null, cause text not null,
    missing integer, repaired integer not null default 0,
    primary key (stream, symbol, from_us)
  ) strict, without rowid;
`;

/** Opens (and creates) the catalogue of a data folder; throws with the path where SQLite cannot. */
export function openCatalogue(dataDir: string): Catalogue {
  const path = join(dataDir, "rt-data.sqlite");
  const database = open(path);
  let run: number | null = null;

  const insertGap = database.query(
    "insert into gap (stream, symbol, from_us, to_us, cause, missing, repaired) values (?, ?, ?, ?, ?, ?, ?) " +
      "on conflict do update set to_us = max(to_us, excluded.to_us), cause = excluded.cause, " +
      "missing = excluded.missing, repaired = excluded.repaired",
  );
  const insertGaps = database.transaction((gaps: readonly Gap[]) => {
    for (const { stream, symbol, from_us, to_us, cause, missing, repaired } of gaps)
      insertGap.run(stream, symbol, from_us, to_us, cause, missing, repaired);
  });
  const selectPauses = database.query<Gap & { resumed_us: number }, []>(
    "select stream, symbol, from_us, to_us, cause, missing, repaired, " +
      "(select min(started_us) from run where started_us > from_us) as resumed_us from gap " +
      "where missing is null and cause in ('restart', 'crash') and stream in ('aggTrade', 'trade') " +
      "and resumed_us is not null order by from_us",
  );
  const repairGap = database.query(
    "update gap set repaired = min(missing, repaired + ?) where stream = ? and symbol = ? and from_us = ?",
  );

  return {
    beginRun(startedUs) {
      const last = database
        .query<{ last_recv_us: number; clean: number }, []>(
          "select last_recv_us, clean from run where last_recv_us is not null order by id desc limit 1",
        )
        .get();
      run = Number(database.query("insert into run (started_us) values (?)").run(startedUs).lastInsertRowid);
      return last === null ? null : { lastRecvUs: last.last_recv_us, clean: last.clean === 1 };
    },
    noteRun(lastRecvUs, clean) {
      database.query("update run set last_recv_us = ?, clean = ? where id = ?").run(lastRecvUs, clean ? 1 : 0, run);
    },
    noteGaps: insertGaps,
    unjudgedPauses: () =>
      selectPauses.all().map(({ resumed_us, ...gap }) => ({ gap: gap as Gap, resumedUs: resumed_us })),
    noteRepair({ stream, symbol, from_us }, records) {
      repairGap.run(records, stream, symbol, from_us);
    },
    holes: createHoleStore(database),
    gapsOf: createGapQuery(database),
    close: () => database.close(),
  };
}

function open(path: string): Database {
  try {
    const database = new Database(path, { create: true, strict: true });
    database.run("pragma journal_mode = wal");
    database.run("pragma synchronous = normal");
    database.run(schema);
    addGapCounts(database);
    return database;
  } catch (error) {
    throw new Error(
      `open the catalogue ${path}: ${messageOf(error)}. It can be moved away; gaps of merged days stay in their manifests`,
      {
        cause: error,
      },
    );
  }
}

/** Catalogues of before 0.2 know no counts. */
function addGapCounts(database: Database): void {
  const columns = database.query<{ name: string }, []>("select name from pragma_table_info('gap')").all();
  if (columns.some(({ name }) => name === "missing")) return;
  database.run("alter table gap add column missing integer");
  database.run("alter table gap add column repaired integer not null default 0");
}
