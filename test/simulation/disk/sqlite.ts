import { Database } from "bun:sqlite";
import type { OpenSqlite } from "../../../server/catalogue/file/sqlite.ts";
import type { Holder } from "./files.ts";
import { type Inode, systemError, type Tree } from "./tree.ts";

/** SQLite over the virtual disk: each database is a file there, and lives in memory. */
export type SqliteDisk = {
  open: OpenSqlite;
  /** Somebody else holds the write lock. */
  setLocked(isLocked: boolean): void;
  /** Every statement fails with an I/O error. */
  setFailing(isFailing: boolean): void;
  /** The database behind a path, for the judge. */
  at(path: string): Database | null;
  /** The present content is on the platter: a power loss may restore it. */
  checkpoint(): void;
  /** The power goes: some databases go back to their checkpoint. */
  losePower(chance: (probability: number) => boolean): void;
  close(): void;
};

type Calls = Record<string, (...values: unknown[]) => unknown>;

const header = "SQLite format 3\0";

/** Databases in memory of processes that are gone, to be used again: to prepare their statements is the dearest part of a start. */
const memories: { readonly face: Database; readonly real: Database; holder: Holder }[] = [];

const statements = new WeakMap<Database, Map<string, Calls>>();

/** `holder` says whose hands it is in at the time. `isPowerSafe`: the power never goes, so that no older states are kept. */
export function createSqliteDisk(tree: Tree, holder: () => Holder, isPowerSafe = false): SqliteDisk {
  const databases = new Map<Inode, Database>();
  const checkpoints = new Map<Inode, Buffer>();
  let isLocked = false;
  let isFailing = false;

  function guard(sql: string, inode: Inode): void {
    holder().step("sql", sql);
    if (inode.data[0] !== 83) throw sqliteError("SQLITE_CORRUPT", "database disk image is malformed");
    if (isFailing) throw sqliteError("SQLITE_IOERR", "disk I/O error");
    if (isLocked && /^\s*(insert|update|delete|create|alter|drop|begin|replace|vacuum)/i.test(sql))
      throw sqliteError("SQLITE_BUSY", "database is locked");
  }

  function wrap(real: Database, inode: Inode): Database {
    const wrapped = {
      query: (sql: string) => guarded(prepared(real, sql), sql, inode),
      prepare: (sql: string) => wrapped.query(sql),
      run(sql: string, ...values: never[]) {
        guard(sql, inode);
        if (/^\s*pragma\s+(journal_mode|synchronous|busy_timeout|wal_)/i.test(sql)) return { changes: 0 };
        return real.run(sql, ...values);
      },
      exec: (sql: string, ...values: never[]) => wrapped.run(sql, ...values),
      transaction(work: (...values: unknown[]) => unknown) {
        const inner = real.transaction(work);
        // The commit is a step of its own: a kill at it takes all of it back.
        const whole = real.transaction((...values: unknown[]) => {
          guard("begin", inode);
          const result = inner(...values);
          holder().step("sql", "commit");
          return result;
        });
        return Object.assign((...values: unknown[]) => whole(...values), {
          deferred: (...values: unknown[]) => whole(...values),
          immediate: (...values: unknown[]) => whole.immediate(...values),
          exclusive: (...values: unknown[]) => whole.exclusive(...values),
        });
      },
      serialize: () => real.serialize(),
      close() {},
      get inTransaction() {
        return real.inTransaction;
      },
      fileControl: () => 0,
    };
    return wrapped as unknown as Database;
  }

  /** Statements outlast the process that prepared them: to prepare them all is the dearest part of a start. */
  function prepared(real: Database, sql: string): Calls {
    const known = statements.get(real) ?? new Map<string, Calls>();
    statements.set(real, known);
    const statement = known.get(sql) ?? (real.prepare(sql) as unknown as Calls);
    known.set(sql, statement);
    return statement;
  }

  function guarded(statement: Calls, sql: string, inode: Inode) {
    const call =
      (name: string) =>
      (...values: unknown[]) => {
        guard(sql, inode);
        return statement[name]?.(...values);
      };
    return {
      ...{ get: call("get"), all: call("all"), run: call("run"), values: call("values"), iterate: call("iterate") },
      finalize() {},
      as: () => guarded(statement, sql, inode),
    };
  }

  /** A database of the process's own; it goes with the process. No fault touches it. */
  function openMemory(): Database {
    const free = memories.find((memory) => memory.holder.isDead());
    if (free !== undefined) {
      free.holder = holder();
      empty(free.real);
      return free.face;
    }
    const real = new Database(":memory:", { strict: true });
    const defined = new Set<string>();
    const face = {
      query: (sql: string) => prepared(real, sql),
      prepare: (sql: string) => prepared(real, sql),
      run(sql: string, ...values: never[]) {
        if (!/^\s*create\s/i.test(sql)) return real.run(sql, ...values);
        const changes = defined.has(sql) ? { changes: 0 } : real.run(sql);
        defined.add(sql);
        return changes;
      },
      transaction: (work: (...values: unknown[]) => unknown) => real.transaction(work),
      close() {},
      get inTransaction() {
        return real.inTransaction;
      },
    } as unknown as Database;
    memories.push({ face, real, holder: holder() });
    return face;
  }

  function empty(real: Database): void {
    if (real.inTransaction) real.run("rollback");
    const tables = prepared(real, "select name from sqlite_schema where type = 'table'").all?.() as { name: string }[];
    for (const { name } of tables) prepared(real, `delete from "${name}"`).run?.();
  }

  function open(path: string, options: { readonly?: boolean; create?: boolean }): Database {
    if (path === ":memory:") return openMemory();
    holder().step("sql", "open");
    let inode = tree.find(path);
    if (inode === null && (options.readonly === true || options.create !== true))
      throw sqliteError("SQLITE_CANTOPEN", "unable to open database file");
    if (inode === null) {
      try {
        inode = tree.create(path);
      } catch {
        throw sqliteError("SQLITE_CANTOPEN", "unable to open database file");
      }
      tree.write(inode, Buffer.from(header.padEnd(4096, "\0")), 0);
      tree.sync(inode);
      databases.set(inode, new Database(":memory:", { strict: true }));
    }
    const content = inode.data.subarray(0, inode.size);
    if (inode.size > 0 && content.toString("latin1", 0, header.length) !== header)
      return broken("SQLITE_NOTADB", "file is not a database");
    let real = databases.get(inode);
    if (real === undefined) {
      real =
        inode.size > 4096
          ? (Database.deserialize(content, { strict: true } as never) as Database)
          : new Database(":memory:", { strict: true });
      databases.set(inode, real);
    }
    return wrap(real, inode);
  }

  return {
    open: open as OpenSqlite,
    setLocked(locked) {
      isLocked = locked;
    },
    setFailing(failing) {
      isFailing = failing;
    },
    at(path) {
      const inode = tree.find(path);
      return inode === null ? null : (databases.get(inode) ?? null);
    },
    checkpoint() {
      if (isPowerSafe) return;
      for (const [inode, database] of databases)
        if (!database.inTransaction) checkpoints.set(inode, database.serialize());
    },
    losePower(chance) {
      for (const [inode, content] of checkpoints) {
        if (!databases.has(inode) || !chance(0.5)) continue;
        databases.get(inode)?.close();
        databases.set(inode, Database.deserialize(content, { strict: true } as never) as Database);
      }
    },
    close() {
      for (const database of databases.values()) database.close();
      databases.clear();
    },
  };
}

function broken(code: string, message: string): Database {
  const fail = () => {
    throw sqliteError(code, message);
  };
  return { query: fail, run: fail, exec: fail, prepare: fail, transaction: fail, close() {}, serialize: fail } as never;
}

function sqliteError(code: string, message: string): Error {
  return Object.assign(systemError(code, "sqlite", ""), { message, name: "SQLiteError" });
}
