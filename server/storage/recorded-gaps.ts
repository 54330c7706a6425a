import { type Day, dateOf, dateStartUs, dayUs } from "../domain/day.ts";
import type { Gap } from "../domain/gap.ts";
import type { RecordedDay } from "./list/day-files.ts";
import { isImpossible, latestDate } from "./list/invented-day.ts";

/** Returns a recorder's gap list for a day; null if no list was kept. */
export type GapsOf = (day: Day) => readonly Gap[] | null;

/** Longest range of days for which gap lists are requested. */
const maxDays = 3660;

/**
 * Lists the gaps of one stream and symbol from its first to its last day, in order.
 * For merged days it uses the manifests, for all other days, even without files, the recorder's gap lists. A gap across midnight is one
 * gap.
 */
export function gapsOfDays(
  days: readonly RecordedDay[],
  gapsOf: GapsOf,
): { gaps: Gap[]; watched: ReadonlySet<string> } {
  const gaps: Gap[] = [];
  const watched = new Set<string>();
  for (const { day, recorded } of everyDay(days)) {
    const dayGaps = recorded?.gaps ?? gapsOf(day);
    if (dayGaps === null) continue;
    if (recorded !== null) watched.add(day.date);
    for (const gap of dayGaps) addJoined(gaps, { ...gap, stream: day.stream, symbol: day.symbol });
  }
  return { gaps, watched };
}

/**
 * Adds a gap. A gap across midnight is recorded with both days, so its parts are joined. Gaps that meet at another time stay apart: each has
 * its own number of missing records.
 */
function addJoined(gaps: Gap[], gap: Gap): void {
  const previous = gaps.at(-1);
  const isMidnight = gap.from_us % dayUs === 0;
  const continues = isMidnight && previous?.to_us === gap.from_us && previous.cause === gap.cause;
  if (continues) gaps[gaps.length - 1] = { ...previous, to_us: gap.to_us };
  else gaps.push(gap);
}

function* everyDay(days: readonly RecordedDay[]): Generator<{ day: Day; recorded: RecordedDay | null }> {
  const today = latestDate(Date.now());
  const real = days.filter(({ date }) => !isImpossible(date, today));
  // Invented days stand alone: no records are expected between them and the others.
  for (const day of days) if (isImpossible(day.date, today)) yield { day, recorded: day };
  const byDate = new Map(real.map((day) => [day.date, day]));
  const [first, last] = [real[0], real.at(-1)];
  if (first === undefined || last === undefined) return;
  const [fromUs, toUs] = [dateStartUs(first.date), dateStartUs(last.date)];
  if (toUs - fromUs > maxDays * dayUs) return;
  for (let us = fromUs; us <= toUs; us += dayUs) {
    const date = dateOf(us);
    yield { day: { stream: first.stream, symbol: first.symbol, date }, recorded: byDate.get(date) ?? null };
  }
}
