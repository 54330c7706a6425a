import { parquetReadObjects } from "hyparquet";

/** The files of a table, wherever they lie. Paths are below the table's folder. */
export type TableFiles = {
  /** Names in `_delta_log`. */
  log(): Promise<readonly string[]> | readonly string[];
  read(path: string): Promise<Uint8Array | null> | Uint8Array | null;
};

export type ActiveFile = {
  readonly path: string;
  readonly partition: Readonly<Record<string, string>>;
  readonly rows: number;
  readonly tags: Readonly<Record<string, string>>;
};

/** A table as its newest version says. `columns`: types by name. */
export type ReadTable = {
  readonly version: number;
  readonly files: readonly ActiveFile[];
  readonly removed: readonly string[];
  readonly columns: Readonly<Record<string, unknown>>;
};

type Json = Record<string, unknown>;
type State = {
  readonly files: Map<string, Json>;
  readonly removed: Set<string>;
  metadata: Json | null;
  protocol: Json | null;
};

/**
 * Reads a Delta table by PROTOCOL.md of delta-io/delta alone, without code of ours, and is stricter than it: what RT-Data never writes is
 * an error, and every file of the newest version must be there whole. Null if the table has no commit.
 */
export async function readDeltaTable(table: TableFiles): Promise<ReadTable | null> {
  const names = (await table.log()).filter((name) => !name.startsWith(".") && !name.endsWith(".tmp"));
  const commits = names.filter((name) => /^\d{20}\.json$/.test(name)).sort();
  const checkpoints = names.filter((name) => /^\d{20}\.checkpoint\.parquet$/.test(name)).sort();
  const others = names.filter((name) => !commits.includes(name) && !checkpoints.includes(name));
  demand(
    others.every((name) => name === "_last_checkpoint"),
    `unknown files in the log: ${others}`,
  );
  if (commits.length === 0) {
    demand(checkpoints.length === 0, "a checkpoint without commits");
    return null;
  }
  const state: State = { files: new Map(), removed: new Set(), metadata: null, protocol: null };
  for (const [version, name] of commits.entries()) {
    demand(name === `${String(version).padStart(20, "0")}.json`, `the log has a hole before ${name}`);
    applyCommit(state, await textOf(table, `_delta_log/${name}`), version);
    const checkpoint = `${String(version).padStart(20, "0")}.checkpoint.parquet`;
    if (checkpoints.includes(checkpoint)) await compareCheckpoint(table, checkpoint, state);
  }
  if (names.includes("_last_checkpoint")) {
    const { version, size } = JSON.parse(await textOf(table, "_delta_log/_last_checkpoint")) as Json;
    demand(Number.isInteger(version) && Number.isInteger(size), "_last_checkpoint has no version and size");
    demand(checkpoints.includes(`${String(version).padStart(20, "0")}.checkpoint.parquet`), "no such checkpoint");
  }
  const files: ActiveFile[] = [];
  for (const [path, add] of state.files) {
    const content = await table.read(path);
    demand(content !== null, `${path} is named by the newest version, but is not there`);
    demand(content?.length === add.size, `${path} has ${content?.length} bytes, not ${add.size}`);
    const { numRecords } = JSON.parse(String(add.stats)) as { numRecords: number };
    files.push({
      path,
      partition: add.partitionValues as ActiveFile["partition"],
      rows: numRecords,
      tags: add.tags as ActiveFile["tags"],
    });
  }
  const { fields } = JSON.parse(String(state.metadata?.schemaString)) as { fields: { name: string; type: unknown }[] };
  return {
    version: commits.length - 1,
    files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    removed: [...state.removed],
    columns: Object.fromEntries(fields.map(({ name, type }) => [name, type])),
  };
}

function applyCommit(state: State, text: string, version: number): void {
  demand(text.endsWith("\n"), `commit ${version} does not end with a line feed`);
  const actions = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Json);
  const touched = { add: new Set<string>(), remove: new Set<string>() };
  const seen = new Map<string, number>();
  for (const action of actions) {
    const [kind = "", ...more] = Object.keys(action);
    demand(more.length === 0, `commit ${version} has a line with two actions`);
    seen.set(kind, (seen.get(kind) ?? 0) + 1);
    const value = action[kind] as Json;
    if (kind === "add" || kind === "remove") {
      const path = decodeURIComponent(String(value.path));
      checkFile(kind, value, state);
      demand(!touched[kind].has(path), `commit ${version}: ${path} twice`);
      touched[kind].add(path);
      demand(kind === "add" ? !state.files.has(path) : state.files.has(path), `commit ${version}: ${kind} of ${path}`);
      demand(kind === "remove" || !state.removed.has(path), `commit ${version}: the name ${path} is used again`);
      if (kind === "add") state.files.set(path, value);
      else {
        state.files.delete(path);
        state.removed.add(path);
      }
    } else if (kind === "metaData") checkMetadata(value, state);
    else if (kind === "protocol") {
      demand(value.minReaderVersion === 1 && value.minWriterVersion === 2, "another protocol");
      state.protocol = value;
    } else
      demand(
        kind === "commitInfo" && isTime(value.timestamp) && typeof value.operation === "string",
        `unknown action ${kind}`,
      );
  }
  demand(Object.keys(actions[0] ?? {})[0] === "commitInfo", `commit ${version} does not begin with commitInfo`);
  for (const kind of ["commitInfo", "metaData", "protocol"])
    demand((seen.get(kind) ?? 0) <= 1, `two ${kind} in commit ${version}`);
  demand(state.metadata !== null && state.protocol !== null, "the first commit lacks metaData or protocol");
  demand(
    [...touched.add].every((path) => !touched.remove.has(path)),
    `commit ${version} adds and removes a file`,
  );
}

function checkMetadata(value: Json, state: State): void {
  demand(/^[0-9a-f-]{36}$/.test(String(value.id)), "the table has no GUID");
  demand(state.metadata === null || state.metadata.id === value.id, "the table's id has changed");
  demand(JSON.stringify(value.format) === '{"provider":"parquet","options":{}}', "another format");
  const schema = JSON.parse(String(value.schemaString)) as { type: string; fields: Json[] };
  demand(schema.type === "struct", "the schema is no struct");
  for (const { name, type, nullable, metadata } of schema.fields) {
    demand(typeof name === "string" && typeof nullable === "boolean" && typeof metadata === "object", `column ${name}`);
    const inner = typeof type === "string" ? type : String((type as Json).elementType);
    demand(
      /^(string|long|integer|double|boolean|date|timestamp|decimal\(\d+,\d+\))$/.test(inner),
      `${name} has type ${inner}`,
    );
    demand(
      typeof type === "string" || ((type as Json).type === "array" && typeof (type as Json).containsNull === "boolean"),
      `${name}`,
    );
  }
  const names = schema.fields.map(({ name }) => name);
  demand(
    (value.partitionColumns as string[]).every((name) => names.includes(name)),
    "a partition column is no column",
  );
  demand(typeof value.configuration === "object" && isTime(value.createdTime), "the metadata is not complete");
  state.metadata = value;
}

function checkFile(kind: "add" | "remove", value: Json, { metadata }: State): void {
  const { path, partitionValues, size, dataChange } = value;
  demand(typeof path === "string" && !path.startsWith("/") && !path.includes(".."), `path ${path}`);
  demand(Number.isSafeInteger(size) && Number(size) > 0 && typeof dataChange === "boolean", `size of ${path}`);
  const keys = Object.keys(partitionValues as Json).sort();
  const columns = [...(metadata as Json & { partitionColumns: string[] }).partitionColumns].sort();
  demand(JSON.stringify(keys) === JSON.stringify(columns), `partition of ${path}`);
  demand(isTime(kind === "add" ? value.modificationTime : value.deletionTimestamp), `time of ${path}`);
  if (kind === "remove") return;
  const { numRecords, minValues, maxValues } = JSON.parse(String(value.stats)) as Record<string, Json> & {
    numRecords: unknown;
  };
  demand(Number.isSafeInteger(numRecords), `statistics of ${path}`);
  for (const name of Object.keys(minValues ?? {}))
    demand((minValues?.[name] as number) <= (maxValues?.[name] as number), `range of ${name}`);
}

async function compareCheckpoint(table: TableFiles, name: string, state: State): Promise<void> {
  const content = await table.read(`_delta_log/${name}`);
  demand(content !== null, `${name} is gone`);
  const rows = (await parquetReadObjects({ file: Uint8Array.from(content as Uint8Array).buffer })) as Record<
    string,
    Json | null
  >[];
  for (const row of rows)
    demand(
      Object.values(row).filter((value) => (value ?? null) !== null).length === 1,
      `a row of ${name} is not one action`,
    );
  const adds = rows.flatMap(({ add }) =>
    add ? [[decodeURIComponent(String(add.path)), Number(add.size), add.stats]] : [],
  );
  const expected = [...state.files].map(([path, { size, stats }]) => [path, size, stats]);
  demand(JSON.stringify(adds.sort()) === JSON.stringify(expected.sort()), `${name} has other files than its version`);
  const removes = rows.flatMap(({ remove }) => (remove ? [decodeURIComponent(String(remove.path))] : []));
  demand(
    removes.every((path) => state.removed.has(path)),
    `${name} has tombstones of its own`,
  );
  demand(
    rows.filter(({ metaData }) => metaData).length === 1 && rows.filter(({ protocol }) => protocol).length === 1,
    `${name} is not complete`,
  );
}

async function textOf(table: TableFiles, path: string): Promise<string> {
  const content = await table.read(path);
  demand(content !== null, `${path} is gone`);
  return new TextDecoder().decode(content as Uint8Array);
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) > 1_000_000_000_000;
}

function demand(condition: boolean, problem: string): void {
  if (!condition) throw new Error(problem);
}
