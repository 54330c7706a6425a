/** A column of a table, as `schemaString` has it. `type`: `long`, `double`, `decimal(18,8)`, `timestamp`, or an array. */
export type TableColumn = { readonly name: string; readonly type: ColumnType };

export type ColumnType =
  | string
  | { readonly type: "array"; readonly elementType: string; readonly containsNull: boolean };

/** Encodes the schema of a table. All columns may be null, so that a later version can add columns. */
export function encodeSchema(columns: readonly TableColumn[]): string {
  return JSON.stringify({
    type: "struct",
    fields: columns.map(({ name, type }) => ({ name, type, nullable: true, metadata: {} })),
  });
}

/** Parses the schema of a table. @throws if it is not a schema */
export function parseSchema(text: string): TableColumn[] {
  const { fields } = JSON.parse(text) as { fields?: unknown };
  if (!Array.isArray(fields)) throw new Error("the table's metadata has no schema");
  return fields.map(({ name, type }: TableColumn) => ({ name, type }));
}

/** How the columns of a new file fit a table. */
export type Fit =
  | { readonly kind: "same" }
  /** The table gets more columns; its older files have null there. */
  | { readonly kind: "wider"; readonly columns: readonly TableColumn[] }
  /** `column` has another type in the table. */
  | { readonly kind: "other"; readonly column: string; readonly has: string; readonly wanted: string };

/** Compares the columns of a new file with those of its table. A file without some of the table's columns fits: they are null there. */
export function fitOf(table: readonly TableColumn[], file: readonly TableColumn[]): Fit {
  const known = new Map(table.map(({ name, type }) => [name, typeName(type)]));
  const added = file.filter(({ name }) => !known.has(name));
  for (const { name, type } of file) {
    const has = known.get(name);
    if (has !== undefined && has !== typeName(type))
      return { kind: "other", column: name, has, wanted: typeName(type) };
  }
  if (added.length === 0) return { kind: "same" };
  return { kind: "wider", columns: [...table, ...added] };
}

function typeName(type: ColumnType): string {
  return typeof type === "string" ? type : `array<${type.elementType}>`;
}
