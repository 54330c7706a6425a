import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { removeIfThere, writeDurably } from "../../platform/files/durable-files.ts";
import { statSync } from "../../platform/files/files.ts";
import { createTables, type Tables } from "../tables/tables.ts";
import { databaseFile, openDatabase, putAside } from "./database.ts";
import { type FileChange, identityOf } from "./file-identity.ts";

/** The database file while it is open. Methods throw where SQLite cannot. */
export type CatalogueFile = {
  readonly database: Database;
  readonly tables: Tables;
  /** Where a damaged file that was in its place lies now. */
  readonly movedAsideTo: string | null;
  /** What somebody has done to the file at the path, or null. */
  changed(): FileChange | null;
  /** Marks the file as the one that is open here. Writes, so that it fails while another program holds the lock. */
  stamp(): void;
  /** Moves the write-ahead log into the file once it has grown. Call it now and then. */
  tidy(): void;
  /** The content of a small database, to be written elsewhere; null for a large one. */
  content(): Uint8Array | null;
  close(): void;
  /** Lets go of a file that is no longer ours without touching it: closing it would write our pages into it. */
  abandon(): void;
};

/** The write-ahead log is moved into the file from this size on. */
const largeLogBytes = 1024 * 1024;
const largestContent = 32 * 1024 * 1024;

/** Databases whose files are not ours any more. They stay open, and their garbage is not collected, so that nothing is written. */
const abandoned: Database[] = [];

/** Opens the catalogue's file, and creates it where there is none. Never waits for a lock; throws where SQLite cannot open it. */
export function openCatalogueFile(dataDir: string): CatalogueFile {
  const path = join(dataDir, databaseFile);
  const { database, movedAsideTo } = openDatabase(dataDir);
  let tables: Tables;
  try {
    tables = createTables(database);
    // Checkpoints are ours to make: before each we look whether the file is still ours.
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
    identity?.noteOwnWrite();
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
 * Puts a file at the catalogue's path aside; returns where it lies now, null if nothing was there. A write-ahead log goes with the file
 * if both are ours. Beside somebody else's file it is ours all the same, and worth nothing without the file that it belongs to.
 */
export function clearPath(dataDir: string, isOurs: boolean): string | null {
  const path = join(dataDir, databaseFile);
  if (!isOurs) for (const suffix of ["-wal", "-shm"]) removeIfThere(path + suffix);
  return statSync(path, { throwIfNoEntry: false }) === undefined ? null : putAside(dataDir, path);
}

/** Writes a database's content to the catalogue's path. */
export function writeContent(dataDir: string, content: Uint8Array): void {
  writeDurably(join(dataDir, databaseFile), content);
}
