import { type Day, dateOf, dateStartUs, dayUs } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { RecordedDay } from "./list/day-files.ts";
import { isImpossible, latestDate } from "./list/invented-day.ts";

/** The gap list of a recorder: of a day, or null where none was kept. */
export type GapsOf = (day: Day) => readonly Gap[] | null;

/** A gap list is not asked for more days than this. */
const mostDays = 3660;

/**
 * Gaps of one stream and symbol from its first to its last day, in order: those in the manifests of merged days, and for other
 * days, those without any file included, those of the recorder's gap list. A gap over midnight is one.
 */
export function gapsOfDays(
  days: readonly RecordedDay[],
  gapsOf: GapsOf,
): { gaps: Gap[]; watched: ReadonlySet<string> } {
  const gaps: Gap[] = [];
  const watched = new Set<string>();
  for (const { day, recorded } of everyDay(days)) {
    const known = recorded?.gaps ?? gapsOf(day);
    if (known === null) continue;
    if (recorded !== null) watched.add(day.date);
    for (const gap of known) add(gaps, { ...gap, stream: day.stream, symbol: day.symbol });
  }
  return { gaps, watched };
}

/** A gap over midnight is written down with both days. */
function add(gaps: Gap[], gap: Gap): void {
  const before = gaps.at(-1);
  const continues = before?.to_us === gap.from_us && before.cause === gap.cause;
  if (continues) gaps[gaps.length - 1] = { ...before, to_us: gap.to_us };
  else gaps.push(gap);
}

function* everyDay(days: readonly RecordedDay[]): Generator<{ day: Day; recorded: RecordedDay | null }> {
  const today = latestDate(Date.now());
  const real = days.filter(({ date }) => !isImpossible(date, today));
  // Days that a wrong clock has made stand for themselves: nothing is to be expected between them and the others.
  for (const day of days) if (isImpossible(day.date, today)) yield { day, recorded: day };
  const byDate = new Map(real.map((day) => [day.date, day]));
  const [first, last] = [real[0], real.at(-1)];
  if (first === undefined || last === undefined) return;
  const [fromUs, toUs] = [dateStartUs(first.date), dateStartUs(last.date)];
  if (toUs - fromUs > mostDays * dayUs) return;
  for (let us = fromUs; us <= toUs; us += dayUs) {
    const date = dateOf(us);
    yield { day: { stream: first.stream, symbol: first.symbol, date }, recorded: byDate.get(date) ?? null };
  }
}
