import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { moveAside } from "../../platform/files/durable-files.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { openSqlite } from "./sqlite.ts";

/** Name of the database in a data folder. */
export const databaseFile = "rt-data.sqlite";

const schema = `
  create table if not exists run (
    id integer primary key, started_us integer not null, last_recv_us integer, clean integer not null default 0
  ) strict;
  create table if not exists gap (
    stream text not null, symbol text not null, from_us integer not null, to_us integer not null, cause text not null,
    missing integer, repaired integer not null default 0,
    primary key (stream, symbol, from_us)
  ) strict, without rowid;
  create table if not exists fact (name text primary key, value text not null) strict, without rowid;
  create table if not exists event (
    id integer primary key, at_us integer not null, kind text not null, message text not null
  ) strict;
`;

/** Largest file that is checked before use. The check of a larger file takes seconds, and its use shows damage as well. */
const quicklyChecked = 4 * 1024 * 1024;

/** Opens a database in memory with the same tables as a database on disk. */
export function openInMemory(): Database {
  const database = openSqlite(":memory:", { strict: true });
  database.run(schema);
  return database;
}

/** An open database; `movedAsideTo`: new path of a damaged file, null if the file was not damaged. */
export type OpenedDatabase = {
  readonly database: Database;
  readonly movedAsideTo: string | null;
};

/**
 * Opens the database of a data folder; creates it if needed. A damaged database, or a folder in its place, is moved to `quarantine/`
 * with its write-ahead log, and a new database is created.
 *
 * @throws an error with the path and advice if SQLite cannot open the new database either
 */
export function openDatabase(dataDir: string): OpenedDatabase {
  const path = join(dataDir, databaseFile);
  try {
    return open(path, null);
  } catch (error) {
    if (!isDamaged(error)) throw problem(path, error);
  }
  try {
    return open(path, putAside(dataDir, path));
  } catch (error) {
    throw problem(path, error);
  }
}

function open(path: string, movedAsideTo: string | null): OpenedDatabase {
  for (const suffix of ["", "-wal", "-shm"])
    if (statSync(path + suffix, { throwIfNoEntry: false })?.isFile() === false)
      throw new Damaged(`${path}${suffix} is not a file`);
  const isSmall = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= quicklyChecked;
  const database = openSqlite(path, { create: true, strict: true });
  try {
    // The main thread must never wait for a lock.
    database.run("pragma busy_timeout = 0");
    database.run("pragma journal_mode = wal");
    database.run("pragma synchronous = normal");
    if (isSmall) checkQuickly(database);
    database.run(schema);
    addGapCounts(database);
    return { database, movedAsideTo };
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkQuickly(database: Database): void {
  const result = database.query<{ quick_check: string }, []>("pragma quick_check(1)").get()?.quick_check;
  if (result !== "ok") throw new Damaged(result ?? "it cannot be checked");
}

class Damaged extends Error {
  override readonly name = "Damaged";
}

/** Returns true if an error means that the file is not a database, or a damaged one. */
export function isDamaged(error: unknown): boolean {
  return error instanceof Damaged || ["SQLITE_NOTADB", "SQLITE_CORRUPT"].includes(codeOf(error) ?? "");
}

/** Moves a database and its write-ahead log to `quarantine/`; returns its new path. */
export function putAside(dataDir: string, path: string): string {
  const folder = join(dataDir, "quarantine");
  for (const journal of ["-wal", "-shm"]) if (existsSync(path + journal)) moveAside(path + journal, folder);
  return moveAside(path, folder);
}

function problem(path: string, cause: unknown): Error {
  const advice =
    codeOf(cause) === "SQLITE_BUSY"
      ? "another program holds its lock"
      : "if you move it away, it is rebuilt from the journal and the manifests";
  return new Error(`open the catalogue ${path}: ${messageOf(cause)}; ${advice}`, { cause });
}

/** Adds the counts of missing and backfilled records to a catalogue from before 0.2. */
function addGapCounts(database: Database): void {
  const columns = database.query<{ name: string }, []>("select name from pragma_table_info('gap')").all();
  if (columns.some(({ name }) => name === "missing")) return;
  database.run("alter table gap add column missing integer");
  database.run("alter table gap add column repaired integer not null default 0");
}
