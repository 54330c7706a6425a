import { Database, type DatabaseOptions } from "bun:sqlite";

/** Opens an SQLite database; throws SQLite's error. */
export type OpenSqlite = (path: string, options: DatabaseOptions) => Database;

const systemSqlite: OpenSqlite = (path, options) => new Database(path, options);

let current = systemSqlite;

/** Opens a database, by SQLite or its current replacement. */
export const openSqlite: OpenSqlite = (path, options) => current(path, options);

/** Replaces SQLite for the whole process. Only for simulations in which databases are locked, damaged and deleted on purpose. */
export function replaceSqlite(open: OpenSqlite): void {
  current = open;
}
