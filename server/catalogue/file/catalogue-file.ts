import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { removeIfThere, writeDurably } from "../../platform/files/durable-files.ts";
import { statSync } from "../../platform/files/files.ts";
import { createTables, type Tables } from "../tables/tables.ts";
import { databaseFile, openDatabase, putAside } from "./database.ts";
import { type FileChange, identityOf } from "./file-identity.ts";

/** The open database file. Methods throw SQLite's errors. */
export type CatalogueFile = {
  readonly database: Database;
  readonly tables: Tables;
  /** New path of a damaged file; null if the file was not damaged. */
  readonly movedAsideTo: string | null;
  /** How another program changed the file at the path; null if it did not. */
  changed(): FileChange | null;
  /** Marks the file as opened here. It writes, so it fails while another program holds the lock. */
  stamp(): void;
  /** Moves a large write-ahead log into the file. Call it regularly. */
  tidy(): void;
  /** Returns the content of a small database; null if the database is large. */
  content(): Uint8Array | null;
  close(): void;
  /** Gives up a file that another program replaced. Does not close it, because closing would write pages into it. */
  abandon(): void;
};

/** Size from which the write-ahead log is moved into the file. */
const largeLogBytes = 1024 * 1024;
const largestContent = 32 * 1024 * 1024;

/** Databases of replaced files. They are referenced here so that they are never closed by garbage collection and never write. */
const abandoned: Database[] = [];

/** Opens the catalogue's file; creates it if needed. Never waits for a lock. @throws if SQLite cannot open it */
export function openCatalogueFile(dataDir: string): CatalogueFile {
  const path = join(dataDir, databaseFile);
  const { database, movedAsideTo } = openDatabase(dataDir);
  let tables: Tables;
  try {
    tables = createTables(database);
    // No automatic checkpoints: before each checkpoint the file must be checked for changes by other programs.
    database.run("pragma wal_autocheckpoint = 0");
  } catch (error) {
    database.close();
    throw error;
  }
  const identity = identityOf(path);
  const applicationId = Math.floor(Math.random() * 0x7fffffff) + 1;
  let version = 0;

  function checkpoint(): void {
    database.run(`pragma user_version = ${++version}`);
    identity?.expect(applicationId, version);
    database.run("pragma wal_checkpoint(passive)");
    identity?.recordOwnWrite();
  }

  return {
    database,
    tables,
    movedAsideTo,
    changed: () => identity?.changed() ?? null,
    stamp() {
      database.run(`pragma application_id = ${applicationId}`);
      checkpoint();
    },
    tidy() {
      const size = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
      if (size > largeLogBytes && identity?.changed() === null) checkpoint();
    },
    content() {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      return size > largestContent ? null : database.serialize();
    },
    close() {
      database.close();
      identity?.close();
    },
    abandon: () => void abandoned.push(database),
  };
}

/**
 * Moves the file at the catalogue's path to quarantine. Returns its new path; null if there was no file. `isOurs`: the file is this
 * catalogue's, and its write-ahead log is moved with it. Else the log is removed, because it does not belong to that file.
 */
export function clearPath(dataDir: string, isOurs: boolean): string | null {
  const path = join(dataDir, databaseFile);
  if (!isOurs) for (const suffix of ["-wal", "-shm"]) removeIfThere(path + suffix);
  return statSync(path, { throwIfNoEntry: false }) === undefined ? null : putAside(dataDir, path);
}

/** Writes the content of a database to the catalogue's path. */
export function writeContent(dataDir: string, content: Uint8Array): void {
  writeDurably(join(dataDir, databaseFile), content);
}
