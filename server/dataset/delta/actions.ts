/*
 * The actions of a Delta Lake log, as far as RT-Data writes them (PROTOCOL.md of delta-io/delta, reader version 1, writer version 2).
 * A commit is a file `_delta_log/<20 digits>.json` with one action per line. Commits are numbered without a hole, and a commit is never
 * overwritten, so the creator of a number's file has made that version of the table.
 */

/** A data file of the table. */
export type AddFile = {
  /** Path below the table's folder, decoded. */
  readonly path: string;
  /** Partition columns as text: `{symbol: "BTCUSDT", date: "2026-11-21"}`. */
  readonly partitionValues: Readonly<Record<string, string>>;
  readonly size: number;
  /** ms since the epoch. */
  readonly modificationTime: number;
  /** JSON text with `numRecords`, `minValues`, `maxValues`, `nullCount`; null without statistics. */
  readonly stats: string | null;
  readonly tags: Readonly<Record<string, string>>;
};

/** A file that is no longer part of the table. It stays on disk for a while, for readers of an older version. */
export type RemoveFile = Pick<AddFile, "path" | "partitionValues" | "size"> & {
  /** ms since the epoch. */
  readonly deletionTimestamp: number;
};

export type TableMetadata = {
  readonly id: string;
  readonly name: string;
  /** The columns, partition columns included, as JSON text. */
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime: number;
};

export type Protocol = { readonly minReaderVersion: number; readonly minWriterVersion: number };

export type LogAction =
  | { readonly kind: "add"; readonly add: AddFile }
  | { readonly kind: "remove"; readonly remove: RemoveFile }
  | { readonly kind: "metadata"; readonly metadata: TableMetadata }
  | { readonly kind: "protocol"; readonly protocol: Protocol };

/** The protocol of tables that RT-Data creates: the lowest that every reader knows. */
export const ownProtocol: Protocol = { minReaderVersion: 1, minWriterVersion: 2 };

/** Returns the path of a version's commit below the table's folder. */
export function commitPath(version: number): string {
  return `_delta_log/${numberOf(version)}.json`;
}

/** Returns the path of a version's checkpoint below the table's folder. */
export function checkpointPath(version: number): string {
  return `_delta_log/${numberOf(version)}.checkpoint.parquet`;
}

/** Path of the file that names the newest checkpoint. */
export const lastCheckpointPath = "_delta_log/_last_checkpoint";

function numberOf(version: number): string {
  return String(version).padStart(20, "0");
}

/** Encodes a commit: `commitInfo` first, then the actions, one per line. */
export function encodeCommit(
  info: { readonly timestamp: number; readonly operation: string; readonly engineInfo: string },
  actions: readonly LogAction[],
): string {
  const commitInfo = { ...info, operationParameters: {}, isBlindAppend: false };
  return [{ commitInfo }, ...actions.map(encodeAction)].map((action) => `${JSON.stringify(action)}\n`).join("");
}

function encodeAction(action: LogAction): object {
  switch (action.kind) {
    case "add": {
      const { path, stats, ...add } = action.add;
      return { add: { path: encodePath(path), ...add, dataChange: true, ...(stats !== null && { stats }) } };
    }
    case "remove": {
      const { path, ...remove } = action.remove;
      return { remove: { path: encodePath(path), ...remove, dataChange: true, extendedFileMetadata: true } };
    }
    case "metadata":
      return { metaData: { ...action.metadata, format: { provider: "parquet", options: {} } } };
    case "protocol":
      return { protocol: action.protocol };
  }
}

/** Encodes a path as the log wants it: a URI. */
export function encodePath(path: string): string {
  return encodeURI(path);
}

/** Parses a commit. Ignores actions that do not change the table. @throws for a line that is not an action */
export function parseCommit(text: string): LogAction[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => parseAction(JSON.parse(line)));
}

/** Parses one action, of a commit or of a row of a checkpoint: an object in which the member of its kind is not null. */
export function parseAction(value: unknown): LogAction[] {
  if (!isObject(value)) throw new Error(`not an action: ${JSON.stringify(value)}`);
  const { add, remove, metaData, protocol } = value;
  if (isObject(add)) return [{ kind: "add", add: parseAdd(add) }];
  if (isObject(remove)) {
    const { deletionTimestamp } = remove;
    return [{ kind: "remove", remove: { ...fileOf(remove), deletionTimestamp: whole(deletionTimestamp ?? 0) } }];
  }
  if (isObject(metaData)) return [{ kind: "metadata", metadata: parseMetadata(metaData) }];
  if (isObject(protocol)) {
    const { minReaderVersion, minWriterVersion } = protocol;
    const versions = { minReaderVersion: whole(minReaderVersion), minWriterVersion: whole(minWriterVersion) };
    return [{ kind: "protocol", protocol: versions }];
  }
  return [];
}

function parseAdd(add: Record<string, unknown>): AddFile {
  const { modificationTime, stats, tags, deletionVector } = add;
  if (deletionVector !== undefined && deletionVector !== null)
    throw new Error("the table has deletion vectors, which this version cannot read");
  return {
    ...fileOf(add),
    modificationTime: whole(modificationTime),
    stats: typeof stats === "string" ? stats : null,
    tags: texts(tags),
  };
}

function fileOf({ path, partitionValues, size }: Record<string, unknown>): Omit<RemoveFile, "deletionTimestamp"> {
  return { path: decodeURIComponent(text(path)), partitionValues: texts(partitionValues), size: whole(size ?? 0) };
}

function parseMetadata(value: Record<string, unknown>): TableMetadata {
  const { id, name, schemaString, partitionColumns, configuration, createdTime } = value;
  if (!Array.isArray(partitionColumns)) throw new Error("the table's metadata has no partitionColumns");
  return {
    id: text(id),
    name: typeof name === "string" ? name : "",
    schemaString: text(schemaString),
    partitionColumns: partitionColumns.map(text),
    configuration: texts(configuration),
    createdTime: whole(createdTime ?? 0),
  };
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new Error(`not a text: ${JSON.stringify(value)}`);
  return value;
}

/** Parquet gives 64-bit integers as bigint. */
function whole(value: unknown): number {
  const number = typeof value === "bigint" ? Number(value) : value;
  if (!Number.isSafeInteger(number)) throw new Error(`not a whole number: ${String(value)}`);
  return number as number;
}

function texts(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw new Error("not a map of texts");
  // A null is a partition value that is absent.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, item === null ? "" : text(item)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
