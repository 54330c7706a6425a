import { computed, signal } from "@preact/signals";
import type { SymbolStatus } from "../../../../server/domain/status.ts";
import { silentSymbols } from "../../present/silence.ts";
import { status, symbolNames, symbolSignal } from "../../state/state.ts";
import { todayOf } from "../../state/today.ts";

export type Column = "symbol" | "rate" | "p99" | "coverageToday";

export type Order = { readonly column: Column; readonly descending: boolean };

export const columns: readonly Column[] = ["symbol", "rate", "p99", "coverageToday"];

/** Up to this many symbols are seen at a glance and keep their places; their rows are roomy. */
const fewRows = 6;

/** Up to this many symbols rows are middling; more stand densely in two columns. */
const middlingRows = 20;

/** How high the rows are. */
export const density = computed(() => {
  const count = symbolNames.value.length;
  return count <= fewRows ? "roomy" : count <= middlingRows ? "middling" : "dense";
});

/** Null is the order of the config; of many symbols, those that need attention come first. */
export const order = signal<Order | null>(null);
export const filter = signal("");

const risingFirst = new Set<Column>(["symbol", "coverageToday"]);

/** Sorts by a column; a second time reverses the order. Names begin at A, coverage with the least, numbers with the largest. */
export function sortBy(column: Column): void {
  const now = order.value;
  order.value = { column, descending: now?.column === column ? !now.descending : !risingFirst.has(column) };
}

/** Names of the symbols to show, in order. Reads the values without following them: rows must not jump about all the time. */
export function arrange(): string[] {
  const wanted = filter.value.trim().toUpperCase();
  const names = symbolNames.value.filter((name) => name.includes(wanted));
  const chosen = order.value;
  if (chosen === null && names.length <= fewRows) return names;
  if (chosen === null) {
    const attention = attentive();
    return [...names.filter((name) => attention.has(name)), ...names.filter((name) => !attention.has(name))];
  }
  const sign = chosen.descending ? -1 : 1;
  if (chosen.column === "symbol") return names.sort((a, b) => sign * a.localeCompare(b));
  const values = new Map(names.map((name) => [name, sortValue(symbolSignal(name)?.peek(), chosen.column)]));
  return names.sort((a, b) => compare(values.get(a) ?? null, values.get(b) ?? null, sign));
}

/** Symbols that need attention: silent, unknown to the exchange, or with a gap today. */
export function attentive(): ReadonlySet<string> {
  const newest = status.peek();
  if (newest === null) return new Set();
  const silent = silentSymbols(newest).map(({ symbol }) => symbol);
  const others = newest.symbols.filter(
    ({ symbol, state }) => state === "unknown" || state === "delisted" || (todayOf(symbol).peek()?.missingS ?? 0) > 0,
  );
  return new Set([...silent, ...others.map(({ symbol }) => symbol)]);
}

function sortValue(symbol: SymbolStatus | undefined, column: Column): number | null {
  if (symbol === undefined) return null;
  switch (column) {
    case "rate":
      return symbol.messages_per_s;
    case "p99":
      return symbol.delay_p99_ms;
    default:
      return todayOf(symbol.symbol).peek()?.coverage ?? null;
  }
}

/** Unknown values come last in both directions. */
function compare(a: number | null, b: number | null, sign: number): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return sign * (a - b);
}
