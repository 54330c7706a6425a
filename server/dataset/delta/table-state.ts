import type { AddFile, LogAction, Protocol, RemoveFile, TableMetadata } from "./actions.ts";

/** One version of a table. */
export type Snapshot = {
  /** Number of the newest commit; -1 if the table does not exist yet. */
  readonly version: number;
  /** Number of the newest checkpoint; -1 without a checkpoint. */
  readonly checkpoint: number;
  readonly metadata: TableMetadata | null;
  readonly protocol: Protocol | null;
  /** Data files by path. */
  readonly files: ReadonlyMap<string, AddFile>;
  /** Files that were removed from the table, by path. */
  readonly removed: ReadonlyMap<string, RemoveFile>;
};

/** The table before its first commit. */
export const noTable: Snapshot = {
  ...{ version: -1, checkpoint: -1, metadata: null, protocol: null },
  ...{ files: new Map(), removed: new Map() },
};

/** Returns the state after the actions of one commit, which may be in any order. */
export function apply(state: Snapshot, actions: readonly LogAction[]): Snapshot {
  const files = new Map(state.files);
  const removed = new Map(state.removed);
  let { metadata, protocol } = state;
  for (const action of actions) {
    if (action.kind === "remove") {
      files.delete(action.remove.path);
      removed.set(action.remove.path, action.remove);
    }
  }
  for (const action of actions) {
    if (action.kind === "add") {
      files.set(action.add.path, action.add);
      removed.delete(action.add.path);
    }
    if (action.kind === "metadata") metadata = action.metadata;
    if (action.kind === "protocol") protocol = action.protocol;
  }
  return { ...state, metadata, protocol, files, removed };
}
