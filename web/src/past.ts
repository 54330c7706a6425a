import { batch, type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { MinuteSpan, SeriesView, TodayCoverage } from "../../server/history.ts";
import { api, ask, patience } from "./api.ts";

/** How often the overview reads what is behind its small charts and bars, ms: a step of theirs. */
const everyMs = 10_000;

/** A symbol's day so far: its least covered stream. */
export type SymbolToday = { readonly coverage: number | null; readonly spans: readonly MinuteSpan[] };

/** The last hour of every figure; null while it is not known. */
export const hour = signal<SeriesView | null>(null);
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

/** Keeps `hour` and `today` fresh while a view that shows them is there and looked at. */
export function usePast(): void {
  useEffect(() => {
    void renew();
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void renew();
    }, everyMs);
    return () => clearInterval(timer);
  }, []);
}

async function renew(): Promise<void> {
  const [series, day] = await Promise.all([
    ask(api.api.series.get({ query: {}, ...patience() })),
    ask(api.api.coverage.today.get(patience())),
  ]);
  batch(() => {
    if (series.ok) hour.value = series.value;
    if (day.ok) receiveToday(day.value);
  });
}

function receiveToday(next: TodayCoverage): void {
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
