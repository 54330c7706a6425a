import { batch, computed, type Signal, signal } from "@preact/signals";
import type { DayCoverage, MinuteSpan, TodayCoverage } from "../../../server/domain/queries.ts";

/** A symbol's day so far: the stream that misses most. Times count from the first record on. */
export type SymbolToday = {
  readonly coverage: number | null;
  readonly missingS: number;
  readonly dueS: number;
  readonly spans: readonly MinuteSpan[];
};

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

/** Since which minute a date is recorded; 0 from midnight on. */
export type Beginning = { readonly date: string; readonly minute: number };

/** The first minute of today from which every stream is recorded; null while unknown. */
export const beginningOfToday = computed<Beginning | null>(() => {
  if (today.value === null) return null;
  const minutes = knownDays(today.value).map(({ spans }) => beginning(spans));
  return minutes.length === 0 ? null : { date: today.value.date, minute: Math.max(0, ...minutes) };
});

/** Seconds that the worst stream misses today; null while unknown. */
export const missingToday = computed(() => {
  const known = today.value === null ? [] : knownDays(today.value);
  return known.length === 0 ? null : Math.max(...known.map(({ missing_s }) => missing_s));
});

/** Takes over what the recorder tells of today; each symbol has a signal of its own. */
export function receiveToday(next: TodayCoverage): void {
  const worst = new Map<string, SymbolToday>();
  for (const { symbol, coverage, missing_s: missingS, spans } of next.days) {
    const known = worst.get(symbol);
    const dueS = (minutesOver(spans) - beginning(spans)) * 60;
    const isWorse = known === undefined || missingS > known.missingS || known.coverage === null;
    if (isWorse) worst.set(symbol, { coverage, missingS, dueS, spans });
  }
  batch(() => {
    today.value = next;
    for (const [symbol, day] of worst) {
      const shown = todayOf(symbol);
      if (JSON.stringify(shown.peek()) !== JSON.stringify(day)) shown.value = day;
    }
  });
}

function knownDays({ days }: TodayCoverage): readonly DayCoverage[] {
  return days.filter(({ coverage }) => coverage !== null);
}

/** The minute in which a stream's records begin; 0 from midnight on. */
function beginning([first]: readonly MinuteSpan[]): number {
  return first !== undefined && first[2] === "before" ? first[1] : 0;
}

function minutesOver(spans: readonly MinuteSpan[]): number {
  return Math.max(0, ...spans.filter(([, , state]) => state !== "ahead").map(([, to]) => to));
}
