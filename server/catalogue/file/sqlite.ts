import { Database, type DatabaseOptions } from "bun:sqlite";

/** Opens an SQLite database; throws SQLite's error. */
export type OpenSqlite = (path: string, options: DatabaseOptions) => Database;

const systemSqlite: OpenSqlite = (path, options) => new Database(path, options);

let current = systemSqlite;

/** Opens a database through the port in force. */
export const openSqlite: OpenSqlite = (path, options) => current(path, options);

/** Replaces SQLite for the whole process; for the simulator alone, whose databases lock, break and vanish on purpose. */
export function replaceSqlite(open: OpenSqlite): void {
  current = open;
}
