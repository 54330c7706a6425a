import { type Signal, signal } from "@preact/signals";
import type { MinuteSpan, TodayCoverage } from "../../../server/domain/queries.ts";

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

/** Share of today that is recorded, as the mean of all streams; time before a stream's first record does not count. */
export type TodayShare = {
  readonly share: number;
  /** First minute that counts for every stream; 0 if all were recorded before today. */
  readonly sinceMinute: number;
};

/** Returns the recorded share of today; null if no stream knows it yet. */
export function shareOfToday(days: TodayCoverage["days"]): TodayShare | null {
  const known = days.flatMap(({ coverage, spans }) => (coverage === null ? [] : [{ coverage, spans }]));
  if (known.length === 0) return null;
  const begins = known.map(({ spans: [first] }) => (first?.[2] === "before" ? first[1] : 0));
  const share = known.reduce((sum, { coverage }) => sum + coverage, 0) / known.length;
  return { share, sinceMinute: Math.max(...begins) };
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
