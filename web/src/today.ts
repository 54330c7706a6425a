import { type Signal, signal } from "@preact/signals";
import type { MinuteSpan, TodayCoverage } from "../../server/history.ts";

/** A symbol's day so far: its least covered stream. */
export type SymbolToday = { readonly coverage: number | null; readonly spans: readonly MinuteSpan[] };

/** Today's coverage as the recorder last told it; null while it is not known. */
export const today = signal<TodayCoverage | null>(null);

const bySymbol = new Map<string, Signal<SymbolToday | null>>();

/** Today's coverage of a symbol; null while it is not known. */
export function todayOf(symbol: string): Signal<SymbolToday | null> {
  const known = bySymbol.get(symbol);
  if (known !== undefined) return known;
  const made = signal<SymbolToday | null>(null);
  bySymbol.set(symbol, made);
  return made;
}

/** Takes over what the recorder tells of today; each symbol has a signal of its own. */
export function receiveToday(next: TodayCoverage): void {
  today.value = next;
  const least = new Map<string, SymbolToday>();
  for (const { symbol, coverage, spans } of next.days) {
    const known = least.get(symbol);
    if (known === undefined || (coverage ?? 1) < (known.coverage ?? 1)) least.set(symbol, { coverage, spans });
  }
  for (const [symbol, day] of least) {
    const shown = todayOf(symbol);
    if (JSON.stringify(shown.peek()) !== JSON.stringify(day)) shown.value = day;
  }
}
