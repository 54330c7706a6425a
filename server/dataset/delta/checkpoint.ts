import { parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { checkpointPath, encodePath, type LogAction, lastCheckpointPath, ownProtocol, parseAction } from "./actions.ts";
import type { Snapshot } from "./table-state.ts";
import type { TableStore } from "./table-store.ts";

/** A checkpoint follows after this many commits, so that a reader opens few small files. */
export const checkpointEvery = 20;

/** Reads the checkpoint that `_last_checkpoint` names. @throws if it cannot be read */
export async function readCheckpoint(
  store: TableStore,
  pointer: Uint8Array,
): Promise<{ version: number; actions: LogAction[] }> {
  const { version, parts } = JSON.parse(new TextDecoder().decode(pointer)) as Record<string, unknown>;
  if (!Number.isSafeInteger(version) || parts !== undefined) throw new Error("not a checkpoint in one file");
  const content = await store.read(checkpointPath(Number(version)));
  if (content === null) throw new Error("the checkpoint is gone");
  const file = Uint8Array.from(content).buffer;
  const rows = await parquetReadObjects({ file });
  return { version: Number(version), actions: rows.flatMap(parseAction) };
}

/**
 * Writes the checkpoint of a version, and returns that version with it. Another writer may have written it already. A failure has no
 * consequence: readers read the commits, and the next commit tries again.
 */
export async function writeCheckpoint(store: TableStore, snapshot: Snapshot): Promise<Snapshot> {
  const { version } = snapshot;
  const rows = rowsOf(snapshot);
  try {
    await store.create(checkpointPath(version), new Uint8Array(encodeRows(rows)));
    await store.replace(lastCheckpointPath, Buffer.from(JSON.stringify({ version, size: rows.length })));
    return { ...snapshot, checkpoint: version };
  } catch {
    return snapshot;
  }
}

type Row = {
  readonly txn?: null;
  readonly protocol?: object;
  readonly metaData?: object;
  readonly add?: object;
  readonly remove?: object;
};

function rowsOf({ protocol, metadata, files, removed }: Snapshot): Row[] {
  return [
    { protocol: protocol ?? ownProtocol },
    {
      metaData: { ...metadata, createdTime: big(metadata?.createdTime), format: { provider: "parquet", options: {} } },
    },
    ...[...files.values()].map((file): Row => {
      const sizes = { size: big(file.size), modificationTime: big(file.modificationTime) };
      return { add: { ...file, path: encodePath(file.path), ...sizes, dataChange: false } };
    }),
    ...[...removed.values()].map((file): Row => {
      const sizes = { size: big(file.size), deletionTimestamp: big(file.deletionTimestamp) };
      return {
        remove: { ...file, path: encodePath(file.path), ...sizes, dataChange: false, extendedFileMetadata: true },
      };
    }),
  ];
}

function big(value: number | undefined): bigint {
  return BigInt(value ?? 0);
}

function encodeRows(rows: readonly Row[]): ArrayBuffer {
  const names = ["txn", "protocol", "metaData", "add", "remove"] as const;
  return parquetWriteBuffer({
    schema,
    columnData: names.map((name) => ({ name, data: rows.map((row) => row[name] ?? null) })),
    rowGroupSize: rows.length,
    createdBy: "rt-data",
  });
}

/** The columns of a checkpoint, by the section "Checkpoint Schema" of PROTOCOL.md. Every column may be null: a row is one action. */
const schema: SchemaElement[] = [
  { name: "spark_schema", num_children: 5 },
  ...struct("txn", [text("appId"), long("version"), long("lastUpdated")]),
  ...struct("protocol", [int("minReaderVersion"), int("minWriterVersion")]),
  ...struct("metaData", [
    ...[text("id"), text("name")],
    struct("format", [text("provider"), textMap("options")]),
    ...[text("schemaString"), textList("partitionColumns"), textMap("configuration"), long("createdTime")],
  ]),
  ...struct("add", [
    ...[text("path"), textMap("partitionValues"), long("size"), long("modificationTime")],
    ...[truth("dataChange"), text("stats"), textMap("tags")],
  ]),
  ...struct("remove", [
    ...[text("path"), long("deletionTimestamp"), truth("dataChange"), truth("extendedFileMetadata")],
    ...[textMap("partitionValues"), long("size")],
  ]),
];

function struct(name: string, members: readonly SchemaElement[][]): SchemaElement[] {
  return [{ name, repetition_type: "OPTIONAL", num_children: members.length }, ...members.flat()];
}

function text(name: string): SchemaElement[] {
  return [{ name, repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" }];
}

function long(name: string): SchemaElement[] {
  return [{ name, repetition_type: "OPTIONAL", type: "INT64" }];
}

function int(name: string): SchemaElement[] {
  return [{ name, repetition_type: "OPTIONAL", type: "INT32" }];
}

function truth(name: string): SchemaElement[] {
  return [{ name, repetition_type: "OPTIONAL", type: "BOOLEAN" }];
}

function textMap(name: string): SchemaElement[] {
  return [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "MAP", logical_type: { type: "MAP" } },
    { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
    { name: "key", repetition_type: "REQUIRED", type: "BYTE_ARRAY", converted_type: "UTF8" },
    { name: "value", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
  ];
}

function textList(name: string): SchemaElement[] {
  return [
    { name, repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST", logical_type: { type: "LIST" } },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
  ];
}
