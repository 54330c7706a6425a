import { useSignal } from "@preact/signals";
import type { CoverageTable } from "../../../server/domain/queries.ts";
import { api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { GapEvents } from "../components/archive/gap-events.tsx";
import { StreamSegments } from "../components/book/stream-choice.tsx";
import { LevelKey } from "../components/charts/level-key.tsx";
import { MonthGrid } from "../components/coverage/month-grid.tsx";
import { MonthWeeks } from "../components/coverage/month-weeks.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { coveragePercent } from "../present/format.ts";
import { type DayMark, type Level, marksOf, sumOf } from "../present/levels.ts";
import { addMonths, dateOf, daysOfMonth, monthName } from "../present/time.ts";
import { t } from "../words/i18n.ts";

const renewMs = 60_000;
/** Above this many symbols there is a filter. */
const many = 12;
const levels: readonly Level[] = ["whole", "hair", "part", "poor", "none", "before", "halted"];

/** Which time of which day is missing, a month at a time. */
export function CoverageView() {
  const nowUs = Date.now() * 1000;
  const current = dateOf(nowUs).slice(0, 7);
  const chosen = useSignal(current);
  const stream = useSignal("");
  const filter = useSignal("");
  const dates = daysOfMonth(chosen.value);
  const [from = "", last = ""] = [dates[0], dates.at(-1)];
  const to = last < dateOf(nowUs) ? last : dateOf(nowUs);
  const query = { from, to, ...(stream.value === "" ? {} : { stream: stream.value }) };
  const table = useResource(`${from} ${to} ${stream.value}`, renewMs, () =>
    ask(api.api.coverage.get({ query, ...patience() })),
  );
  const shown = table.value.value === null ? null : wholeMonth(table.value.value, dates);
  const marks = shown === null ? new Map<string, readonly DayMark[]>() : marksOf(shown, nowUs);
  const wanted = filter.value.trim().toUpperCase();
  const rows = [...marks].filter(([symbol]) => symbol.includes(wanted));
  const sum = sumOf([...marks.values()].flat());
  return (
    <>
      <div class="crumbs">
        <h1>{t("coverage")}</h1>
        <span class="soft wide-only">{t("coverageHint")}</span>
        <div class="end">
          <button type="button" class="btn" aria-label={t("earlier")} onClick={() => step(-1)}>
            ‹
          </button>
          <input
            type="month"
            aria-label={t("month")}
            value={chosen.value}
            max={current}
            onChange={(event) => choose(event.currentTarget.value)}
          />
          <button
            type="button"
            class="btn"
            aria-label={t("later")}
            disabled={chosen.value >= current}
            onClick={() => step(1)}
          >
            ›
          </button>
        </div>
      </div>
      <section class="panel" aria-labelledby="month-title">
        <header>
          <h2 id="month-title">{monthName(from)}</h2>
          <StreamSegments value={stream} all={t("worstStream")} />
          {marks.size > many && (
            <input
              type="search"
              value={filter}
              placeholder={t("filter")}
              aria-label={t("filter")}
              autocomplete="off"
              onInput={(event) => {
                filter.value = event.currentTarget.value;
              }}
            />
          )}
          <span class="end">{sum === null ? "" : t("monthRecorded", { percent: coveragePercent(sum.share) })}</span>
        </header>
        <Trouble trouble={table.trouble} hasValue={shown !== null} />
        {shown !== null && marks.size === 0 && <p class="empty">{t("noSymbols")}</p>}
        {marks.size > 0 && rows.length === 0 && <p class="empty">{t("noMatch", { text: filter.value })}</p>}
        {rows.length > 0 && (
          <>
            <MonthGrid rows={rows} dates={dates} stream={stream.value} isDense={marks.size > many} />
            <MonthWeeks rows={rows} dates={dates} stream={stream.value} />
            <div class="legend">
              <LevelKey levels={levels} />
            </div>
          </>
        )}
      </section>
      {(shown !== null || table.trouble.value !== "loading") && <GapEvents from={from} to={to} />}
    </>
  );

  function step(months: number): void {
    choose(addMonths(chosen.value, months));
  }

  function choose(month: string): void {
    if (/^\d{4}-\d\d$/.test(month)) chosen.value = month > current ? current : month;
  }
}

/** The table with the days of the month that are still to come. */
function wholeMonth({ rows, ...table }: CoverageTable, dates: readonly string[]): CoverageTable {
  const at = dates.map((date) => table.dates.indexOf(date));
  const pick = (values: readonly (number | null)[]) => at.map((n) => values[n] ?? null);
  return {
    dates,
    rows: rows.map((row) => ({ ...row, coverage: pick(row.coverage), missing_s: pick(row.missing_s) })),
  };
}
