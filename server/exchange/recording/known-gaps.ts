import type { Gap } from "../../gap.ts";
import { type Day, dateOf, dateStartUs, dayUs } from "../../segment.ts";
import type { RecordedDay } from "./days.ts";
import type { Track } from "./files.ts";
import type { KnownGaps, MissingSpan } from "./gap-watch.ts";

/** The gap list of a recorder: of a day, or null where none was kept. */
export type GapsOf = (day: Day) => readonly Gap[] | null;

/** A gap list is not asked for more days than this. */
const mostDays = 3660;

/** What the manifests of merged days say of gaps, and for other days, those without any file included, the recorder's gap list. */
export function findKnownGaps(tracks: readonly Track[], gapsOf: GapsOf): KnownGaps {
  const spans: MissingSpan[] = [];
  const watched = new Set<string>();
  for (const { stream, days } of tracks) {
    if (stream === null) continue;
    for (const { day, recorded } of everyDay(days)) {
      const gaps = recorded?.gaps ?? gapsOf(day);
      if (gaps === null) continue;
      if (recorded !== null) watched.add(`${stream.name} ${day.date}`);
      for (const { from_us, to_us, cause } of gaps) add(spans, { stream, fromUs: from_us, toUs: to_us, cause });
    }
  }
  spans.sort((a, b) => a.toUs - b.toUs);
  return { spans, isWatched: (stream, us) => watched.has(`${stream.name} ${dateOf(us)}`) };
}

/** A gap over midnight is written down with both days; it is one all the same. */
function add(spans: MissingSpan[], span: MissingSpan): void {
  const before = spans.at(-1);
  const continues = before?.toUs === span.fromUs && before.stream === span.stream && before.cause === span.cause;
  if (continues) spans[spans.length - 1] = { ...before, toUs: span.toUs };
  else spans.push(span);
}

function* everyDay(days: readonly RecordedDay[]): Generator<{ day: Day; recorded: RecordedDay | null }> {
  const byDate = new Map(days.map((day) => [day.date, day]));
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return;
  const [fromUs, toUs] = [dateStartUs(first.date), dateStartUs(last.date)];
  if (toUs - fromUs > mostDays * dayUs) return;
  for (let us = fromUs; us <= toUs; us += dayUs) {
    const date = dateOf(us);
    yield { day: { stream: first.stream, symbol: first.symbol, date }, recorded: byDate.get(date) ?? null };
  }
}
