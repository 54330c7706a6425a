import { Database } from "bun:sqlite";
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

/** A file that is larger than this is not looked through before it is used: that takes seconds, and use shows damage as well. */
const quicklyChecked = 4 * 1024 * 1024;

/** A database in memory with the tables of one on disk. */
export function openInMemory(): Database {
  const database = new Database(":memory:", { strict: true });
  database.run(schema);
  return database;
}

/** An open database, and where a damaged one that was in its place lies now. */
export type OpenedDatabase = {
  readonly database: Database;
  readonly movedAsideTo: string | null;
};

/**
 * Opens the database of a data folder, and creates it where there is none. One that is damaged, or a folder in its place, is put aside under `quarantine/`,
 * with its journal, and a new one begun. Throws with the path where SQLite cannot work at all.
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
      throw new Damaged(`${path}${suffix} is no file`);
  const isSmall = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= quicklyChecked;
  const database = openSqlite(path, { create: true, strict: true });
  try {
    // Nothing on the main thread waits for whoever holds a lock.
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
  const found = database.query<{ quick_check: string }, []>("pragma quick_check(1)").get()?.quick_check;
  if (found !== "ok") throw new Damaged(found ?? "it cannot be checked");
}

class Damaged extends Error {
  override readonly name = "Damaged";
}

/** The file is no database, or a damaged one. */
export function isDamaged(error: unknown): boolean {
  return error instanceof Damaged || ["SQLITE_NOTADB", "SQLITE_CORRUPT"].includes(codeOf(error) ?? "");
}

/** Moves a database under `quarantine/`, with its write-ahead log; returns where it lies now. */
export function putAside(dataDir: string, path: string): string {
  const folder = join(dataDir, "quarantine");
  for (const journal of ["-wal", "-shm"]) if (existsSync(path + journal)) moveAside(path + journal, folder);
  return moveAside(path, folder);
}

function problem(path: string, cause: unknown): Error {
  const advice =
    codeOf(cause) === "SQLITE_BUSY"
      ? "another program holds its lock"
      : "it can be moved away; it is made again from journal and manifests";
  return new Error(`open the catalogue ${path}: ${messageOf(cause)}; ${advice}`, { cause });
}

/** Catalogues of before 0.2 know no counts. */
function addGapCounts(database: Database): void {
  const columns = database.query<{ name: string }, []>("select name from pragma_table_info('gap')").all();
  if (columns.some(({ name }) => name === "missing")) return;
  database.run("alter table gap add column missing integer");
  database.run("alter table gap add column repaired integer not null default 0");
}
