import { useComputed } from "@preact/signals";
import { pagePath } from "../../../../server/domain/pages.ts";
import { address, follow } from "../../browser/route.ts";
import { coarse, compact, duration } from "../../present/format.ts";
import type { DayMark, Level } from "../../present/levels.ts";
import { addDays, dateOf, shortDate, weekdayNumber } from "../../present/time.ts";
import { shownDays, worstDays } from "../../state/month.ts";
import { t } from "../../words/i18n.ts";
import { LevelKey } from "../charts/level-key.tsx";

/** The last thirty days, the worst of all symbols and streams: the proof of the first sentence. */
export function ThirtyDays() {
  const days = useComputed(() => (worstDays.value.length > 0 ? worstDays.value : unknownDays())).value;
  const named = { tablet: apart(days, 2), phone: apart(days, 4) };
  return (
    <>
      <a class="days" href={address(pagePath("coverage"))} onClick={follow}>
        <span class="unseen">{spokenOf(days)}</span>
        {days.map((day, n) => (
          <Day key={day.date} days={days} n={n} named={named} />
        ))}
      </a>
      <div class="foot">
        <LevelKey levels={levelsIn(days)} />
        <span>{t("eachBar")}</span>
      </div>
    </>
  );
}

/** Days whose figure is written although the columns are narrow. */
type Named = { readonly tablet: ReadonlySet<number>; readonly phone: ReadonlySet<number> };

function Day({ days, n, named }: { days: readonly DayMark[]; n: number; named: Named }) {
  const { date, level, missingS } = days[n] as DayMark;
  const isEnd = n === 0 || n === days.length - 1;
  const isNamed = isEnd || (weekdayNumber(date) === 0 && n > 2 && n < days.length - 3);
  const name = n === days.length - 1 ? t("todayShort") : isNamed ? shortDate(date) : "";
  const isCrowded = [n - 1, n + 1].some((at) => (days[at]?.missingS ?? 0) > 0);
  const looks = [isEnd && "end", !named.tablet.has(n) && "near", !named.phone.has(n) && "crowded"];
  return (
    <span class={looks.filter(Boolean).join(" ")} data-l={level} data-date={date} aria-hidden="true">
      <em>{missingS <= 0 ? "" : isCrowded ? compact(missingS) : coarse(missingS)}</em>
      <i class="bar" />
      <time>{name}</time>
    </span>
  );
}

/** The largest gaps that are at least `least` columns apart: their figures do not touch. */
function apart(days: readonly DayMark[], least: number): ReadonlySet<number> {
  const chosen = new Set<number>();
  const bySize = days.map((_, n) => n).sort((a, b) => (days[b]?.missingS ?? 0) - (days[a]?.missingS ?? 0));
  for (const n of bySize) if (![...chosen].some((other) => Math.abs(other - n) < least)) chosen.add(n);
  return chosen;
}

/** Places of the final size while the days are unknown, so that they do not move later. */
function unknownDays(): readonly DayMark[] {
  const today = dateOf(Date.now() * 1000);
  return Array.from({ length: shownDays }, (_, n) => ({
    date: addDays(today, n + 1 - shownDays),
    level: "ahead",
    missingS: 0,
    dueS: 0,
  }));
}

/** Levels worth a place in the legend: those in view, and the usual kinds of gap. */
function levelsIn(days: readonly DayMark[]): readonly Level[] {
  const usual: readonly Level[] = ["whole", "hair", "part", "poor", "none"];
  const rare: readonly Level[] = ["before", "halted"];
  return [...usual, ...rare.filter((level) => days.some((day) => day.level === level))];
}

function spokenOf(days: readonly DayMark[]): string {
  const due = days.filter(({ dueS }) => dueS > 0);
  const missing = due.filter(({ missingS }) => missingS > 0);
  const list = missing.map(({ date, missingS }) => `${shortDate(date)} ${duration(missingS)}`).join(", ");
  const complete = t("daysComplete", { n: due.length - missing.length, all: due.length });
  return missing.length === 0 ? complete : `${complete} ${t("daysMissing", { list })}`;
}
