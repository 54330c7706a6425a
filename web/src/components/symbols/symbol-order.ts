import { signal } from "@preact/signals";
import type { SymbolStatus } from "../../../../server/domain/status.ts";
import { symbolNames, symbolSignal } from "../../state/state.ts";
import { todayOf } from "../../state/today.ts";

export type Column =
  | "symbol"
  | "rate"
  | "p50"
  | "p99"
  | "interval"
  | "flushInterval"
  | "bufferedShort"
  | "age"
  | "coverageToday";

export type Order = { readonly column: Column; readonly descending: boolean };

export const columns: readonly Column[] = [
  "symbol",
  "rate",
  "p50",
  "p99",
  "interval",
  "flushInterval",
  "bufferedShort",
  "age",
  "coverageToday",
];

/** Null is the recorder's own order: that of the config. */
export const order = signal<Order | null>(null);
export const filter = signal("");

const risingFirst = new Set<Column>(["symbol", "coverageToday"]);

/** Sorts by a column; once more turns the order round. Names begin at A, coverage with the least, numbers with the largest. */
export function sortBy(column: Column): void {
  const now = order.value;
  order.value = { column, descending: now?.column === column ? !now.descending : !risingFirst.has(column) };
}

/** Names of the symbols to show, in order. Reads the values without following them: rows must not jump about all the time. */
export function arrange(): string[] {
  const wanted = filter.value.trim().toUpperCase();
  const names = symbolNames.value.filter((name) => name.includes(wanted));
  const chosen = order.value;
  if (chosen === null) return names;
  const sign = chosen.descending ? -1 : 1;
  if (chosen.column === "symbol") return names.sort((a, b) => sign * a.localeCompare(b));
  const values = new Map(names.map((name) => [name, sortValue(symbolSignal(name)?.peek(), chosen.column)]));
  return names.sort((a, b) => compare(values.get(a) ?? null, values.get(b) ?? null, sign));
}

function sortValue(symbol: SymbolStatus | undefined, column: Column): number | null {
  if (symbol === undefined) return null;
  switch (column) {
    case "rate":
      return symbol.messages_per_s;
    case "p50":
      return symbol.delay_p50_ms ?? symbol.delay_ms;
    case "p99":
      return symbol.delay_p99_ms;
    case "coverageToday":
      return todayOf(symbol.symbol).peek()?.coverage ?? null;
    case "interval":
      return symbol.interval_ms;
    case "flushInterval":
      return symbol.flush_interval_ms;
    case "bufferedShort":
      return symbol.buffered_records;
    default:
      return symbol.last_recv_us === null ? null : -symbol.last_recv_us;
  }
}

/** What is unknown comes last either way. */
function compare(a: number | null, b: number | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return sign * (a - b);
}
