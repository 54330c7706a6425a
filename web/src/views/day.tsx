import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { pagePath } from "../../../server/domain/pages.ts";
import type { DayDetail } from "../../../server/domain/queries.ts";
import { type Answer, api, ask, patience } from "../api/api.ts";
import { useResource } from "../api/resource.ts";
import { address, bookPath, dayPath, follow, go } from "../browser/route.ts";
import { GapTable } from "../components/archive/gap-table.tsx";
import { Chart } from "../components/charts/chart.tsx";
import { MinuteGrid } from "../components/charts/minute-grid.tsx";
import { Trouble } from "../components/incidents/trouble.tsx";
import { coveragePercent, number } from "../present/format.ts";
import { addDays, dateName, dateOf, dateStart } from "../present/time.ts";
import { symbolSignal } from "../state/state.ts";
import { t } from "../words/i18n.ts";

const renewMs = 20_000;

/** One symbol's day, minute by minute. */
export function DayView({ symbol, date, stream }: { symbol: string; date: string; stream: string | null }) {
  const known = symbolSignal(symbol)?.value.streams.map((one) => one.stream.replace(/@.*/, "")) ?? [];
  const streams = [
    ...new Set([...(known.length > 0 ? known : ["depth20", "aggTrade"]), ...(stream === null ? [] : [stream])]),
  ];
  const days = useResource(`${symbol} ${date} ${streams.join()}`, renewMs, () => readAll(symbol, date, streams));
  const list = days.value.value ?? [];
  const least = list.toSorted((a, b) => (a.coverage ?? 0) - (b.coverage ?? 0))[0];
  const shown = list.find((day) => day.stream === stream) ?? least;
  const today = dateOf(Date.now() * 1000);
  return (
    <>
      <nav class="crumbs" aria-label={t("day")}>
        <a href={address(pagePath("coverage"))} onClick={follow}>
          {t("coverage")}
        </a>
        <h1>{t("dayTitle", { symbol, date: dateName(date) })}</h1>
        <span class="steps">
          <button type="button" onClick={() => go(dayPath(symbol, addDays(date, -1), stream))}>
            ‹ {t("earlier")}
          </button>
          <button type="button" disabled={date >= today} onClick={() => go(dayPath(symbol, addDays(date, 1), stream))}>
            {t("later")} ›
          </button>
          <a class="button" href={bookPath(symbol)} onClick={follow}>
            {t("orderBook")}
          </a>
        </span>
      </nav>
      {days.trouble.value === "no_day" && shown === undefined ? (
        <div class="notice" role="status">
          <strong>{t("unknownDay", { symbol, date: dateName(date) })}</strong>
          <span>{t("unknownDayHint")}</span>
        </div>
      ) : (
        <Trouble trouble={days.trouble} hasValue={shown !== undefined} />
      )}
      {list.length > 0 && (
        <div class="tabs" role="tablist" aria-label={t("stream")}>
          {list.map((day) => (
            <button
              key={day.stream}
              type="button"
              role="tab"
              id={`tab-${day.stream}`}
              aria-selected={day === shown}
              aria-controls="day-panel"
              onClick={() => go(dayPath(symbol, date, day.stream))}
            >
              {day.stream} <small>{coveragePercent(day.coverage)}</small>
            </button>
          ))}
        </div>
      )}
      {shown !== undefined && <Shown key={shown.stream} detail={shown} />}
    </>
  );
}

function Shown({ detail }: { detail: DayDetail }) {
  const rows = detail.rows_per_minute.reduce((sum, count) => sum + count, 0);
  return (
    <div class="panel day" id="day-panel" role="tabpanel" aria-labelledby={`tab-${detail.stream}`}>
      <p class="figures">
        <strong>{t("dayFigure", { percent: coveragePercent(detail.coverage) })}</strong>
        <span class="quiet">{t("minuteRows", { rows: number(rows) })}</span>
      </p>
      <MinuteGrid detail={detail} />
      <RowChart detail={detail} />
      <h2>{t("gapsTitle")}</h2>
      {detail.gaps.length === 0 ? <p class="quiet">{t("noGaps")}</p> : <GapTable gaps={detail.gaps} />}
    </div>
  );
}

function RowChart({ detail }: { detail: DayDetail }) {
  const data = useSignal(dataOf(detail));
  useEffect(() => {
    data.value = dataOf(detail);
  }, [detail]);
  return <Chart name={t("rowsPerMinute")} data={data} height={130} />;
}

/** Minutes that are to come have no rows to be shown. */
function dataOf({ date, rows_per_minute, spans }: DayDetail) {
  const ahead = spans.find(([, , state]) => state === "ahead")?.[0] ?? 1440;
  const start = dateStart(date) / 1e6;
  return {
    times: rows_per_minute.map((_, minute) => start + minute * 60),
    values: rows_per_minute.map((count, minute) => (minute < ahead ? count : null)),
  };
}

/** The streams that are known of the day; the answer is an error only where none is. */
async function readAll(symbol: string, date: string, streams: readonly string[]): Promise<Answer<DayDetail[]>> {
  const route = api.api.coverage;
  const answers = await Promise.all(
    streams.map((stream) => ask(route({ stream })({ symbol: encodeURIComponent(symbol) })({ date }).get(patience()))),
  );
  const found = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
  const failed = answers.find((answer) => !answer.ok);
  return found.length > 0 || failed === undefined ? { ok: true, value: found } : failed;
}
