import { computed, signal } from "@preact/signals";
import type { CoverageTable } from "../../../server/domain/queries.ts";
import { type DayMark, levelOf, marksOf, sumOf, worstOf } from "../present/levels.ts";
import { status } from "./state.ts";
import { today, todayOf } from "./today.ts";

/** How many days the overview looks back. */
export const shownDays = 30;

/** Coverage of the last thirty days as the recorder last told it; null while it is not known. */
export const month = signal<CoverageTable | null>(null);

/** When `month` was read, µs: today's share refers to that moment. */
const monthReadUs = signal(0);

const marks = computed<ReadonlyMap<string, readonly DayMark[]>>(() => {
  if (month.value === null) return new Map();
  const known = marksOf(month.value, monthReadUs.value);
  return new Map([...known].map(([symbol, days]) => [symbol, days.map((mark) => freshMark(symbol, mark))]));
});

/** Today is known better, and read more often, than the days before. */
function freshMark(symbol: string, mark: DayMark): DayMark {
  if (mark.date !== today.value?.date) return mark;
  const day = todayOf(symbol).value;
  if (day === null || day.coverage === null || day.dueS <= 0) return mark;
  const { missingS, dueS } = day;
  return { date: mark.date, level: levelOf(missingS, dueS, true), missingS, dueS };
}

/** The worst of all symbols, day by day. */
export const worstDays = computed(() => worstOf(marks.value));

/** Sum over the days of `worstDays`. */
export const worstSum = computed(() => sumOf(worstDays.value));

/** The days of one symbol; empty while unknown. */
export function daysOf(symbol: string): readonly DayMark[] {
  return marks.value.get(symbol) ?? [];
}

/** The very first record of all symbols, µs; null while unknown. */
export const recordingSince = computed(() => {
  const times = (month.value?.rows ?? []).flatMap(({ first_us }) => (first_us === null ? [] : [first_us]));
  return times.length === 0 ? null : Math.min(...times);
});

/** Takes over what the recorder tells of the last thirty days. */
export function receiveMonth(table: CoverageTable): void {
  monthReadUs.value = status.peek()?.now_us ?? Date.now() * 1000;
  month.value = table;
}
