import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { dayPath, follow, go } from "../../browser/route.ts";
import { watchVisible } from "../../browser/visible.ts";
import { compact, coveragePercent, duration } from "../../present/format.ts";
import { type DayMark, type SymbolDays, sumOf } from "../../present/levels.ts";
import { dateName, monthOnly, shortDate, weekdayNumber } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";

/** A month of every symbol, a row each, a cell a day; the missing time is written into the cell. */
export function MonthGrid({
  rows,
  dates,
  stream,
  isDense,
}: {
  rows: SymbolDays;
  dates: readonly string[];
  stream: string;
  isDense: boolean;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a grid is a table in which the arrow keys move
    <table class={isDense ? "cal dense" : "cal"} role="grid" aria-label={t("coverage")} onKeyDown={move}>
      <thead>
        <tr>
          <th scope="col" class="name">
            <span class="unseen">{t("symbol")}</span>
          </th>
          {dates.map((date) => (
            <th key={date} scope="col" class={weekdayNumber(date) % 6 === 0 ? "we" : ""} title={dateName(date)}>
              {Number(date.slice(8))}
            </th>
          ))}
          <th scope="col" class="sum">
            {monthOnly(dates[0] ?? "")}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([symbol, days], n) => (
          <Row key={symbol} symbol={symbol} days={days} stream={stream} isFirst={n === 0} />
        ))}
      </tbody>
    </table>
  );
}

type RowProps = { symbol: string; days: readonly DayMark[]; stream: string; isFirst: boolean };

/** The cells are there only near the screen: 300 rows of 31 are too many to draw at once. */
function Row({ symbol, days, stream, isFirst }: RowProps) {
  const row = useRef<HTMLTableRowElement>(null);
  const visible = useSignal(false);
  useEffect(() => (row.current === null ? undefined : watchVisible(row.current, visible)), []);
  const sum = sumOf(days);
  const begins = days.findIndex(({ level }) => level !== "before");
  const before = begins < 0 ? days.length : begins;
  return (
    <tr ref={row} data-symbol={symbol}>
      <th scope="row" class="name">
        {symbol}
      </th>
      {visible.value || isFirst ? (
        <>
          {before > 0 && (
            <td class="not" colSpan={before}>
              <span>
                {begins < 0
                  ? t("notRecordedYet")
                  : before < 5
                    ? ""
                    : t("notYetSince", { date: shortDate(days[begins]?.date ?? "") })}
              </span>
            </td>
          )}
          {days.slice(before).map((day) => (
            <Cell
              key={day.date}
              day={day}
              symbol={symbol}
              stream={stream}
              isEntry={isFirst && day.date === lastKnown(days)}
            />
          ))}
        </>
      ) : (
        <td colSpan={days.length} />
      )}
      <td class="sum">{sum === null ? "–" : coveragePercent(sum.share)}</td>
    </tr>
  );
}

function Cell({ day, symbol, stream, isEntry }: { day: DayMark; symbol: string; stream: string; isEntry: boolean }) {
  const { date, level, missingS } = day;
  if (level === "ahead") {
    return (
      <td data-l={level}>
        <i class="bar" />
      </td>
    );
  }
  const said = missingS === 0 ? t("levelWhole") : t("missingTime", { time: duration(missingS) });
  return (
    <td data-l={level}>
      <a
        href={dayPath(symbol, date, stream === "" ? null : stream)}
        data-date={date}
        title={`${symbol} ${dateName(date)}: ${said}`}
        tabIndex={isEntry ? 0 : -1}
        onClick={follow}
      >
        <span class="unseen">{`${dateName(date)}: ${said}`}</span>
        {missingS === 0 ? (
          <i class="bar" />
        ) : (
          <>
            <b class="m" aria-hidden="true">
              {level === "none" ? t("allMissing") : compact(missingS)}
            </b>
            {level !== "none" && <i class="n" />}
          </>
        )}
      </a>
    </td>
  );
}

function lastKnown(days: readonly DayMark[]): string {
  return days.findLast(({ level }) => level !== "ahead")?.date ?? "";
}

/** Arrow keys go from day to day, as in any grid. */
function move(event: KeyboardEvent): void {
  const from = event.target;
  if (!(from instanceof HTMLAnchorElement)) return;
  const row = from.closest("tr");
  const cells = [...(row?.querySelectorAll<HTMLAnchorElement>("a[data-date]") ?? [])];
  const at = cells.indexOf(from);
  const beside = (other: Element | null | undefined) =>
    other?.querySelector<HTMLAnchorElement>(`a[data-date="${from.dataset["date"]}"]`);
  const target = {
    ArrowLeft: cells[at - 1],
    ArrowRight: cells[at + 1],
    ArrowUp: beside(row?.previousElementSibling),
    ArrowDown: beside(row?.nextElementSibling),
    Home: cells[0],
    End: cells.at(-1),
  }[event.key];
  if (event.key === " ") go(from.href);
  else if (!target) return;
  else target.focus();
  event.preventDefault();
}
