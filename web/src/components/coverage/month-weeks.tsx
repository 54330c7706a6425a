import { useSignal } from "@preact/signals";
import { dayPath, follow } from "../../browser/route.ts";
import { compact, coveragePercent, duration } from "../../present/format.ts";
import { type DayMark, type SymbolDays, sumOf } from "../../present/levels.ts";
import { dateName, weekday, weekdayNumber } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";

type Props = {
  rows: SymbolDays;
  dates: readonly string[];
  stream: string;
};

/** A month of one symbol in weeks, for screens that are too narrow for a row a symbol. */
export function MonthWeeks({ rows, dates, stream }: Props) {
  const chosen = useSignal("");
  const [symbol, days] = rows.find(([name]) => name === chosen.value) ?? rows[0] ?? ["", []];
  const sum = sumOf(days);
  // Weeks begin on Monday.
  const blanks = (weekdayNumber(dates[0] ?? "") + 6) % 7;
  const monday = dates.slice((7 - blanks) % 7, ((7 - blanks) % 7) + 7);
  return (
    <div class="weeks">
      <p class="weeks-head">
        <select
          aria-label={t("symbol")}
          value={symbol}
          onChange={(event) => {
            chosen.value = event.currentTarget.value;
          }}
        >
          {rows.map(([name]) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span class="soft">{sum === null ? "" : coveragePercent(sum.share)}</span>
      </p>
      <div class="week">
        {monday.map((date) => (
          <span key={date} class="wd" aria-hidden="true">
            {weekday(date)}
          </span>
        ))}
        {Array.from({ length: blanks }, (_, n) => (
          <span key={n} />
        ))}
        {days.map((day) => (
          <Day key={day.date} day={day} symbol={symbol} stream={stream} />
        ))}
      </div>
    </div>
  );
}

function Day({
  day: { date, level, missingS, dueS },
  symbol,
  stream,
}: {
  day: DayMark;
  symbol: string;
  stream: string;
}) {
  const content = (
    <>
      <span>{Number(date.slice(8))}</span>
      <b>{missingS > 0 ? (level === "none" ? t("allMissing") : compact(missingS)) : ""}</b>
      <i class="bar" />
    </>
  );
  if (dueS === 0) {
    return (
      <span class="d" data-l={level}>
        {content}
      </span>
    );
  }
  const said = missingS === 0 ? t("levelWhole") : t("missingTime", { time: duration(missingS) });
  return (
    <a class="d" data-l={level} href={dayPath(symbol, date, stream === "" ? null : stream)} onClick={follow}>
      {content}
      <span class="unseen">{`${dateName(date)}: ${said}`}</span>
    </a>
  );
}
