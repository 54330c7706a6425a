import { randomUUID } from "node:crypto";
import { FileError } from "../../platform/errors.ts";
import { version as programVersion } from "../../platform/process/version.ts";
import { backoff } from "../../platform/time/backoff.ts";
import { type AddFile, commitPath, encodeCommit, type LogAction, ownProtocol, type TableMetadata } from "./actions.ts";
import { checkpointEvery, writeCheckpoint } from "./checkpoint.ts";
import { encodeSchema, fitOf, parseSchema, type TableColumn } from "./columns.ts";
import { readSnapshot } from "./snapshot.ts";
import { apply, noTable, type Snapshot } from "./table-state.ts";
import type { TableStore } from "./table-store.ts";

/** A change of a table, made of one version. */
export type TableChange = {
  /** Word for the log: `WRITE`, `DELETE`. */
  readonly operation: string;
  readonly add: readonly AddFile[];
  /** Paths of files to remove. */
  readonly remove: readonly string[];
  /** Columns of the added files, partition columns included. */
  readonly columns: readonly TableColumn[];
};

/** A table that this process writes. It remembers the newest version that it has seen. */
export type Table = {
  /** Reads new commits, and returns the newest version. */
  newest(): Promise<Snapshot>;
  /**
   * Commits a change. `decide` makes it from the newest version; with null there is no commit. If another writer was faster, the new version is
   * read and `decide` is asked again, so a change never rests on an old version. Resolves with the version after the change.
   */
  commit(decide: (snapshot: Snapshot) => Promise<TableChange | null> | TableChange | null): Promise<Snapshot>;
  /** Leaves a removed file, which is gone now, out of the following checkpoints. */
  forget(path: string): void;
};

/** Limit of attempts in a row. Each failure means that another writer has made a commit. */
const mostAttempts = 200;
const pauses = { first: 5, longest: 500, growth: 1.5, jitter: 0.9 };

/**
 * Creates the access to a table, which the first commit creates.
 *
 *   1. data files are complete, under names that no other file ever has       readers see the old version
 *   2. `<next number>.json` is created: only if absent, and whole             readers see the new version
 *   3. after every 20 commits a checkpoint, then `_last_checkpoint`           for quick opening; may be missing
 *
 * A crash before 2 leaves data files that no version names; after a crash after 2 the change is complete.
 */
export function createTable(
  store: TableStore,
  facts: { readonly name: string; readonly partitionColumns: readonly string[]; readonly nowMs: () => number },
): Table {
  let known = noTable;

  async function newest(): Promise<Snapshot> {
    known = await readSnapshot(store, known);
    return known;
  }

  return {
    newest,
    forget(path) {
      const removed = new Map(known.removed);
      removed.delete(path);
      known = { ...known, removed };
    },
    async commit(decide) {
      for (let attempt = 0; attempt < mostAttempts; attempt++) {
        const snapshot = await newest();
        const change = await decide(snapshot);
        if (change === null) return snapshot;
        const actions = actionsOf(snapshot, change);
        const info = { timestamp: facts.nowMs(), operation: change.operation, engineInfo: `rt-data/${programVersion}` };
        const version = snapshot.version + 1;
        if (await store.create(commitPath(version), Buffer.from(encodeCommit(info, actions)))) {
          known = { ...apply(snapshot, actions), version };
          if (version - known.checkpoint >= checkpointEvery) known = await writeCheckpoint(store, known);
          return known;
        }
        await Bun.sleep(backoff(pauses, attempt));
      }
      throw new FileError("commit to", store.name, "other writers were faster each time");
    },
  };

  function actionsOf(snapshot: Snapshot, change: TableChange): LogAction[] {
    const timestamp = facts.nowMs();
    const removes = change.remove.flatMap((path): LogAction[] => {
      const file = snapshot.files.get(path);
      if (file === undefined) return [];
      const { partitionValues, size } = file;
      return [{ kind: "remove", remove: { path, partitionValues, size, deletionTimestamp: timestamp } }];
    });
    const adds = change.add.map((add): LogAction => ({ kind: "add", add }));
    return [...metadataOf(snapshot, change, timestamp), ...removes, ...adds];
  }

  /** Returns the actions that create the table, or give it more columns. */
  function metadataOf(snapshot: Snapshot, { columns }: TableChange, createdTime: number): LogAction[] {
    const { name, partitionColumns } = facts;
    if (snapshot.metadata === null) {
      const schemaString = encodeSchema(columns);
      const made = { id: randomUUID(), name, schemaString, partitionColumns, configuration: {}, createdTime };
      return [
        { kind: "protocol", protocol: ownProtocol },
        { kind: "metadata", metadata: made },
      ];
    }
    const fit = fitOf(parseSchema(snapshot.metadata.schemaString), columns);
    if (fit.kind === "same") return [];
    if (fit.kind === "other") {
      const hint =
        "Write with the setting that the table was made with (dataset.numbers), or make it again: `rt-data dataset --rebuild`";
      throw new FileError(
        "commit to",
        store.name,
        `column ${fit.column} is ${fit.has} there, not ${fit.wanted}. ${hint}`,
      );
    }
    const wider: TableMetadata = { ...snapshot.metadata, schemaString: encodeSchema(fit.columns) };
    return [{ kind: "metadata", metadata: wider }];
  }
}
