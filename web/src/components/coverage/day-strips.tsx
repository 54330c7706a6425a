import { type Signal, useSignal } from "@preact/signals";
import type { DayDetail } from "../../../../server/domain/queries.ts";
import { coveragePercent, number } from "../../present/format.ts";
import { isRefetched } from "../../present/streams.ts";
import { dateStart, day, shortClock, zoneName } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";
import { MinuteBar } from "../charts/minute-bar.tsx";
import { minuteText } from "./minute-text.ts";

type Props = { days: readonly DayDetail[]; date: string; minute: Signal<number | null> };

const minutes = 1440;

/** A strip a stream over the 24 hours of a UTC day, rows a minute below, and the local time of the same moments. */
export function DayStrips({ days, date, minute }: Props) {
  const at = minute.value;
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    minute.value = Math.min(minutes - 1, Math.max(0, Math.floor(share * minutes)));
  };
  return (
    <div class="day-strips">
      <div class="day-grid">
        <b class="t1">UTC</b>
        <Scale date={date} zone="utc" />
        <span />
        {days.map((one) => (
          <Strip key={one.stream} detail={one} />
        ))}
        <b class="t1">{t("rowsPerMinute")}</b>
        <Rows days={days} />
        <span class="r soft t1">{number(mostRows(days))}</span>
        {zoneName("local") !== "UTC" && (
          <>
            <b class="t1">{zoneName("local")}</b>
            <Scale date={date} zone="local" />
            <span />
          </>
        )}
        <div class="day-over" onPointerMove={point} onPointerDown={point}>
          {at !== null && (
            <>
              <i class="hour-band" style={{ left: percent(Math.floor(at / 60) * 60), width: percent(60) }} />
              <i class="cross-line" style={{ left: percent(at) }} />
              <span class="cross-text" style={{ left: percent(Math.min(1330, Math.max(110, at))) }}>
                {crossText(date, at)}
              </span>
            </>
          )}
        </div>
      </div>
      <Slider days={days} date={date} minute={minute} />
    </div>
  );
}

function Strip({ detail }: { detail: DayDetail }) {
  const spans = useSignal(detail.spans);
  spans.value = detail.spans;
  const refetched = detail.gaps.filter((gap) => gap.repaired > 0 && isRefetched(gap));
  const start = dateStart(detail.date);
  return (
    <>
      <b class="t1">{detail.stream}</b>
      <div class="strip">
        <MinuteBar spans={spans} />
        <svg class="refetched" viewBox={`0 0 ${minutes} 6`} preserveAspectRatio="none" aria-hidden="true">
          {refetched.map(({ from_us, to_us }) => {
            const width = Math.max(6, (to_us - from_us) / 60e6);
            return <rect key={from_us} x={Math.max(0, (from_us - start) / 60e6)} width={width} height={6} />;
          })}
        </svg>
      </div>
      <b class="r t1">{coveragePercent(detail.coverage)}</b>
    </>
  );
}

/** Hours above or below the strips. Local hours name the day where it changes. */
function Scale({ date, zone }: { date: string; zone: "utc" | "local" }) {
  const start = dateStart(date);
  const first = day(start, zone);
  return (
    <div class="hours" aria-hidden="true">
      {Array.from({ length: 13 }, (_, n) => {
        const us = start + n * 7200e6;
        const isEnd = zone === "utc" && n === 12;
        const hour = isEnd ? "24" : shortClock(us, zone).replace(/:00$/, "");
        const isNewDay = zone === "local" && n > 0 && n < 12 && day(us, zone) !== day(us - 7200e6, zone);
        return (
          <span key={n} class={n % 3 === 0 ? "" : "wide-hour"} style={{ left: percent(n * 120) }}>
            {hour}
            {isNewDay && day(us, zone) !== first && <small>{day(us, zone)}</small>}
          </span>
        );
      })}
    </div>
  );
}

function Rows({ days }: { days: readonly DayDetail[] }) {
  const most = Math.max(1, mostRows(days));
  let path = "";
  for (let minute = 0; minute < minutes; minute += 4) {
    const rows = Math.max(...[0, 1, 2, 3].map((more) => rowsAt(days, minute + more)));
    path += `${minute === 0 ? "M" : "L"}${minute} ${(54 - (rows / most) * 52).toFixed(1)}`;
  }
  return (
    <svg class="rows-chart" viewBox={`0 0 ${minutes} 54`} preserveAspectRatio="none" aria-hidden="true">
      <path d={`${path}L1440 54L0 54Z`} />
    </svg>
  );
}

/** Says what is known of a minute, and lets the arrow keys choose it. */
function Slider({ days, date, minute }: Props) {
  const at = minute.value;
  const said =
    at === null ? t("minuteHint") : days.map((detail) => `${detail.stream}: ${minuteText(detail, at)}`).join(" · ");
  return (
    <p class="day-said">
      <input
        type="range"
        min={0}
        max={minutes - 1}
        value={at ?? 0}
        aria-label={t("minuteHint")}
        aria-valuetext={at === null ? t("minuteHint") : `${crossText(date, at)} ${said}`}
        onInput={(event) => {
          minute.value = Number(event.currentTarget.value);
        }}
      />
      <span class="soft said">{said}</span>
    </p>
  );
}

function crossText(date: string, minute: number): string {
  const us = dateStart(date) + minute * 60e6;
  const utc = `${shortClock(us, "utc")} UTC`;
  return zoneName("local") === "UTC" ? utc : `${utc} · ${shortClock(us, "local")} ${zoneName("local")}`;
}

function mostRows(days: readonly DayDetail[]): number {
  let most = 0;
  for (let minute = 0; minute < minutes; minute++) most = Math.max(most, rowsAt(days, minute));
  return most;
}

function rowsAt(days: readonly DayDetail[], minute: number): number {
  return days.reduce((sum, detail) => sum + (detail.rows_per_minute[minute] ?? 0), 0);
}

function percent(minute: number): string {
  return `${(minute / minutes) * 100}%`;
}
