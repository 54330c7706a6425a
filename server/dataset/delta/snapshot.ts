import { FileError } from "../../platform/errors.ts";
import { commitPath, type LogAction, lastCheckpointPath, ownProtocol, parseCommit } from "./actions.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { apply, noTable, type Snapshot } from "./table-state.ts";
import type { TableStore } from "./table-store.ts";

/**
 * Reads the newest version of a table: its last checkpoint and the commits after it. With `known`, an earlier version, only the commits
 * after that.
 *
 * @throws FileError if the log cannot be read, has a hole, or needs a newer version of the protocol
 */
export async function readSnapshot(store: TableStore, known: Snapshot = noTable): Promise<Snapshot> {
  const pointer = known.version < 0 ? await store.read(lastCheckpointPath) : null;
  let state = (pointer === null ? null : await fromCheckpoint(store, pointer)) ?? known;
  for (;;) {
    const path = commitPath(state.version + 1);
    const content = await store.read(path);
    if (content === null) break;
    state = { ...apply(state, parsed(store, path, content)), version: state.version + 1 };
  }
  if (pointer !== null && state.version < 0)
    throw new FileError("read", `${store.name}/${lastCheckpointPath}`, "the checkpoint that it names cannot be read");
  refuseNewer(store, state);
  return state;
}

function parsed(store: TableStore, path: string, content: Uint8Array): LogAction[] {
  try {
    return parseCommit(new TextDecoder().decode(content));
  } catch (error) {
    throw new FileError("read", `${store.name}/${path}`, error);
  }
}

/** Returns the state of a checkpoint; null if it cannot be read: the commits from the first on say the same. */
async function fromCheckpoint(store: TableStore, pointer: Uint8Array): Promise<Snapshot | null> {
  const found = await readCheckpoint(store, pointer).catch(() => null);
  if (found === null) return null;
  return { ...apply(noTable, found.actions), version: found.version, checkpoint: found.version };
}

function refuseNewer(store: TableStore, { protocol, version }: Snapshot): void {
  if (protocol === null || version < 0) return;
  const { minReaderVersion, minWriterVersion } = protocol;
  if (minReaderVersion <= ownProtocol.minReaderVersion && minWriterVersion <= ownProtocol.minWriterVersion) return;
  const needs = `reader ${minReaderVersion}, writer ${minWriterVersion}`;
  throw new FileError(
    "read",
    store.name,
    `the table needs a newer Delta protocol (${needs}). Another program has changed it: remove the table's folder, then it is written again`,
  );
}
