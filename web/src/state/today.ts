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

/** How much of today is recorded, as the mean of all streams: of what is over of the day, or of what is over of it since `sinceMinute`. */
export type TodayShare = { readonly share: number; readonly sinceMinute: number };

/**
 * Where streams have nothing before some minute of the day, as on the day of the first start, only the whole minutes since then are judged.
 * Null where nothing can be said yet.
 */
export function shareOfToday(days: TodayCoverage["days"]): TodayShare | null {
  const known = days.flatMap(({ coverage, spans }) => (coverage === null ? [] : [{ coverage, spans }]));
  const sinceMinute = Math.max(0, ...known.map(({ spans }) => beginning(spans)));
  const shares = known.map(({ coverage, spans }) => shareSince(sinceMinute, coverage, spans));
  const share = shares.reduce((sum, one) => sum + one, 0) / shares.length;
  return Number.isFinite(share) ? { share, sinceMinute } : null;
}

/** The first whole minute of a stream of which nothing was received before; 0 where the day begins with data. */
function beginning([first, second]: readonly MinuteSpan[]): number {
  if (first?.[2] !== "missing") return 0;
  return second?.[2] === "partial" ? second[0] + 1 : first[1];
}

/** Of a minute before that was recorded in part it is not known how much: it counts as whole, so that too little is said and not too much. */
function shareSince(sinceMinute: number, coverage: number, spans: readonly MinuteSpan[]): number {
  const over = Math.max(0, ...spans.filter(([, , state]) => state !== "ahead").map(([, to]) => to));
  if (over <= sinceMinute) return Number.NaN;
  if (!spans.some(([, to, state]) => to > sinceMinute && (state === "missing" || state === "partial"))) return 1;
  const before = spans
    .filter(([from, , state]) => from < sinceMinute && state !== "missing")
    .reduce((sum, [from, to]) => sum + Math.min(to, sinceMinute) - from, 0);
  return Math.max(0, Math.min(1, (coverage * over - before) / (over - sinceMinute)));
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
