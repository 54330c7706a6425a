import { exchangeMs, exchangeUs } from "../domain/market/exchange-time.ts";
import type { StreamType } from "../domain/stream.ts";
import type { StreamMember } from "../domain/stream-kind-facts.ts";
import { streamKinds } from "../domain/stream-kinds.ts";

/**
 * The type of a column. "number": a decimal exactly as the exchange sent it; "numbers": a list of such decimals; "timestamp": µs since the
 * Unix epoch.
 */
export type ColumnKind = "integer" | "timestamp" | "number" | "numbers" | "delay" | "boolean" | "text";

/** One column of an exported file. */
export type ExportColumn = {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** The member of the line that it comes from; null for a column without a member. */
  readonly member: string | null;
};

/** A value of a column. Decimals stay text. Null if the record has no such value. */
export type Cell = number | boolean | string | readonly string[] | null;

/** A line, parsed by `JSON.parse`. */
export type Members = Readonly<Record<string, unknown>>;

/** Converts the lines of a stream to rows. */
export type RowShape = {
  readonly columns: readonly ExportColumn[];
  /**
   * Returns one cell per column. The last cell, `since_gap`, is false: only the reader of the rows knows it.
   *
   * @throws if the line does not have the members of its stream
   */
  row(members: Members): Cell[];
};

/** A column and the function that reads its value. */
type Source = ExportColumn & {
  readonly from: (members: Members) => Cell;
  /** Reads a time as the exchange sent it, ms or µs; only columns of times have it. */
  readonly exact?: (members: Members) => Cell;
};

type Level = readonly [price: string, quantity: string];

/**
 * Returns the columns of a stream: `recv_us`, `net_delay_ms`, then the exchange's members with their one-letter names written out. Levels
 * of a partial depth stream get one column each (`bid_px_1`, the best, to `ask_sz_20`) unless `levels` is "list". Levels of other books are
 * lists, because their number varies. Columns of times are whole ms, whatever unit was recorded. Then the times once more as timestamps (`recv_time`, `event_time`, `trade_time`), and `since_gap`.
 * `symbol`: value of an extra first column for files of several symbols; null: no such column.
 */
export function rowShape(type: StreamType, options: { levels: "columns" | "list"; symbol: string | null }): RowShape {
  const memberSources = sourcesOf(type);
  const sources: Source[] = [
    ...(options.symbol === null ? [] : [column("symbol", "text", false, null, () => options.symbol)]),
    integer("recv_us", ["recv_us"]),
    column("net_delay_ms", "delay", true, "net_delay_ms", ({ net_delay_ms }) =>
      typeof net_delay_ms === "number" ? net_delay_ms : null,
    ),
    ...memberSources,
  ];
  const tail = [
    column("recv_time", "timestamp", false, "recv_us", ({ recv_us }) => recv_us as number),
    ...memberSources.flatMap(timestampOf),
    column("since_gap", "boolean", false, null, () => false),
  ];
  if (type.levels !== null && options.levels === "columns") {
    const { levels } = type;
    const head = sources.length;
    const columns = [...sources, ...levelColumns(levels), ...tail];
    return {
      columns,
      row(members) {
        const cells = new Array<Cell>(columns.length).fill(null);
        for (let index = 0; index < head; index++) cells[index] = (sources[index] as Source).from(members);
        fillLevels(cells, head, levels, members);
        const from = columns.length - tail.length;
        for (const [index, { from: read }] of tail.entries()) cells[from + index] = read(members);
        return cells;
      },
    };
  }
  sources.push(...listsOf(type), ...tail);
  return { columns: sources, row: (members) => sources.map(({ from }) => from(members)) };
}

/** Returns the timestamp column of a column of times: `event_time` for `event_time_ms`. It keeps the µs that the exchange sent. */
function timestampOf({ name, nullable, member, exact }: Source): Source[] {
  if (exact === undefined) return [];
  return [
    column(name.replace(/_ms$/, ""), "timestamp", nullable, member, (members) => {
      const time = exact(members);
      return time === null ? null : exchangeUs(time as number);
    }),
  ];
}

/** Returns the columns of a stream without its levels. Their meaning is documented by Binance (web-socket-streams.md). */
function sourcesOf({ kind }: StreamType): Source[] {
  const { columns, members, backfill } = streamKinds[kind];
  const isBackfilled = column("repaired", "boolean", false, "repaired", ({ repaired }) => repaired === true);
  const sources = Object.entries(columns).map(([name, key]) => {
    const member = members.find((member) => member.name === key);
    if (member === undefined) throw new Error(`${kind} has no member ${key}`);
    return sourceOf(name, member, backfill !== null);
  });
  return backfill === null ? sources : [isBackfilled, ...sources];
}

/** Returns the column of a member. It is null in backfilled records if the REST answer lacks the member. */
function sourceOf(name: string, { name: key, form, rest }: StreamMember, mayBeFetched: boolean): Source {
  const keys = rest === null || rest === key ? [key] : [key, rest];
  const source = ofForm(name, form, keys);
  if (rest !== null || !mayBeFetched) return source;
  const isThere = (value: unknown) => value !== undefined && (source.kind !== "integer" || typeof value === "number");
  const ifThere = (from: Source["from"]) => (members: Members) => (isThere(members[key]) ? from(members) : null);
  const { exact } = source;
  return {
    ...column(name, source.kind, true, key, ifThere(source.from)),
    ...(exact === undefined ? {} : { exact: ifThere(exact) }),
  };
}

function ofForm(name: string, form: StreamMember["form"], keys: readonly string[]): Source {
  switch (form) {
    case "id":
    case "integer":
      return integer(name, keys);
    case "time":
      return time(name, keys);
    case "decimal":
      return number(name, keys);
    case "boolean":
      return boolean(name, keys);
    case "event":
    case "symbol":
      return column(name, "text", false, keys[0] ?? null, (members) => String(first(members, keys)));
    case "bids":
    case "asks":
      throw new Error(`levels do not fit into one column: ${name}`);
  }
}

function listsOf({ kind }: StreamType): Source[] {
  return streamKinds[kind].members.flatMap(({ name, form }) => {
    if (form !== "bids" && form !== "asks") return [];
    const side = form === "bids" ? "bid" : "ask";
    return [list(`${side}_px`, name, 0), list(`${side}_sz`, name, 1)];
  });
}

function levelColumns(levels: number): ExportColumn[] {
  return (["bid", "ask"] as const).flatMap((side) => {
    const facts = { kind: "number", nullable: true, member: `${side}s` } as const;
    return Array.from({ length: levels }, (_, n) => n + 1).flatMap((n) => [
      { name: `${side}_px_${n}`, ...facts },
      { name: `${side}_sz_${n}`, ...facts },
    ]);
  });
}

function fillLevels(cells: Cell[], head: number, levels: number, members: Members): void {
  const sides = [levelsOf(members, "bids"), levelsOf(members, "asks")];
  for (let side = 0; side < 2; side++) {
    const book = sides[side] ?? [];
    const offset = head + side * levels * 2;
    const count = Math.min(levels, book.length);
    for (let n = 0; n < count; n++) {
      const [price, quantity] = book[n] as Level;
      cells[offset + 2 * n] = decimal(price, "bids or asks");
      cells[offset + 2 * n + 1] = decimal(quantity, "bids or asks");
    }
  }
}

function column(
  name: string,
  kind: ColumnKind,
  nullable: boolean,
  member: string | null,
  from: Source["from"],
): Source {
  return { name, kind, nullable, member, from };
}

/** Returns the value of the first of these members that exists. */
function first(members: Members, keys: readonly string[]): unknown {
  for (const key of keys) if (members[key] !== undefined) return members[key];
  return undefined;
}

function integer(name: string, keys: readonly string[]): Source {
  return column(name, "integer", false, keys[0] ?? null, (members) => {
    const value = first(members, keys);
    if (!Number.isSafeInteger(value)) throw new Error(`${keys[0]} is not an integer`);
    return value as number;
  });
}

/** A column of whole ms. */
function time(name: string, keys: readonly string[]): Source {
  const exact = integer(name, keys);
  const from = (members: Members) => Math.floor(exchangeMs(exact.from(members) as number));
  return { ...exact, from, exact: exact.from };
}

function number(name: string, keys: readonly string[]): Source {
  return column(name, "number", false, keys[0] ?? null, (members) => decimal(first(members, keys), keys[0] ?? ""));
}

function boolean(name: string, keys: readonly string[]): Source {
  return column(name, "boolean", false, keys[0] ?? null, (members) => {
    const value = first(members, keys);
    if (typeof value !== "boolean") throw new Error(`${keys[0]} is not a boolean`);
    return value;
  });
}

function list(name: string, key: string, at: 0 | 1): Source {
  return column(name, "numbers", false, key, (members) =>
    levelsOf(members, key).map((level) => decimal(level[at], key)),
  );
}

function levelsOf(members: Members, key: string): readonly Level[] {
  const value = members[key];
  if (!Array.isArray(value)) throw new Error(`${key} is not a list`);
  return value;
}

function decimal(value: unknown, key: string): string {
  if (typeof value !== "string") throw new Error(`${key} is not a decimal`);
  return value;
}
