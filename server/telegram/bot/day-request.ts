import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import type { DayCoverage, MinuteSpan, MinuteState } from "../../domain/queries.ts";
import { parseStreamType } from "../../domain/stream.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { type DayPicture, mostDayRows } from "../pictures/day-picture.ts";
import type { Sources } from "./command.ts";

type DaySources = Pick<Sources, "history" | "nowUs" | "status">;

/** Collects the data for the picture of a UTC day, also of today. Yields to other work after each manifest. */
export async function dayRequest(sources: DaySources, date: string): Promise<{ kind: "day"; day: DayPicture }> {
  const { history, nowUs } = sources;
  const fromUs = dateStartUs(date);
  const toUs = fromUs + dayUs;
  const isToday = date === dateOf(nowUs());
  const today = isToday ? await history.today() : null;
  const shares = today === null ? await sharesOfPast(sources, date) : sharesOf(today.days);
  const worst = [...shares].sort(([, a], [, b]) => (a ?? 2) - (b ?? 2)).slice(0, mostDayRows);
  const days =
    today?.days ??
    (await daysOf(
      sources,
      worst.map(([symbol]) => symbol),
      date,
    ));
  const known = [...shares.values()].filter((share) => share !== null);
  const { from_us, step_s, values } = history.series("week");
  const pick = (name: "messages_per_s" | "delay_p50_ms") =>
    values[name]
      .map((value, n) => ({ atUs: from_us + (n + 0.5) * step_s * 1e6, value }))
      .filter(({ atUs }) => atUs >= fromUs && atUs < toUs);
  const day: DayPicture = {
    date,
    fromUs,
    toUs,
    coverage: known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length,
    gaps: today?.gaps ?? gapsOf(sources, fromUs, toUs),
    rows: worst.map(([symbol, coverage]) => ({
      symbol,
      coverage,
      spans: worstSpans(days.filter((day) => day.symbol === symbol)),
    })),
    others: shares.size - worst.length,
    rate: pick("messages_per_s"),
    delay: pick("delay_p50_ms"),
  };
  return { kind: "day", day };
}

/** Returns the coverage of each symbol: the lowest coverage of its streams. */
function sharesOf(days: readonly DayCoverage[]): Map<string, number | null> {
  const shares = new Map<string, number | null>();
  for (const { symbol, coverage } of days) {
    const before = shares.get(symbol) ?? null;
    shares.set(symbol, before === null ? coverage : coverage === null ? before : Math.min(before, coverage));
  }
  return shares;
}

async function sharesOfPast({ history }: DaySources, date: string): Promise<Map<string, number | null>> {
  const { rows } = await history.coverage({ stream: null, from: date, to: date });
  return new Map(
    rows.map(({ symbol, coverage }) => [symbol, coverage[0] ?? null] as const).filter(([, share]) => share !== null),
  );
}

async function daysOf(
  { history, status }: DaySources,
  symbols: readonly string[],
  date: string,
): Promise<DayCoverage[]> {
  const days: DayCoverage[] = [];
  const names = status().symbols.flatMap((symbol) => symbol.streams.map(({ stream }) => stream));
  const folders = new Set(names.flatMap((name) => parseStreamType(name)?.folder ?? []));
  for (const symbol of symbols) {
    for (const folder of folders) {
      const day = history.day({ stream: folder, symbol, date });
      if (day !== null) days.push(day);
      await nextTurn();
    }
  }
  return days;
}

/** Counts the gaps that began in the span, up to 1000. */
function gapsOf({ history }: DaySources, fromUs: number, toUs: number): number {
  const { items } = history.gaps({ stream: null, symbol: null, cause: null, fromUs, toUs }, 1000, null);
  return items.filter(({ from_us }) => from_us >= fromUs).length;
}

const order: readonly MinuteState[] = ["ahead", "before", "recorded", "halted", "partial", "missing"];

/** Returns the worst state of several streams for each minute, as spans. */
function worstSpans(days: readonly DayCoverage[]): MinuteSpan[] {
  const worst = new Uint8Array(1440);
  for (const { spans } of days)
    for (const [from, to, state] of spans)
      for (let minute = from; minute < to; minute++) worst[minute] = Math.max(worst[minute] ?? 0, order.indexOf(state));
  const spans: MinuteSpan[] = [];
  for (let from = 0; from < 1440; ) {
    let to = from + 1;
    while (to < 1440 && worst[to] === worst[from]) to++;
    spans.push([from, to, order[worst[from] ?? 0] ?? "ahead"]);
    from = to;
  }
  return spans;
}
