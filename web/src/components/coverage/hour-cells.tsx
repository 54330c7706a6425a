import type { Signal } from "@preact/signals";
import type { DayDetail, MinuteState } from "../../../../server/domain/queries.ts";
import type { Level } from "../../present/levels.ts";
import { dateStart, shortClock, zoneName } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";
import { minuteText, stateAt } from "./minute-text.ts";

const levels: Readonly<Record<MinuteState, Level>> = {
  recorded: "whole",
  partial: "part",
  missing: "none",
  halted: "halted",
  ahead: "ahead",
  before: "before",
};

/** The sixty minutes of the chosen hour, a row a stream. Before a choice it is the first hour with a gap. */
export function HourCells({
  days,
  date,
  minute,
}: {
  days: readonly DayDetail[];
  date: string;
  minute: Signal<number | null>;
}) {
  const hour = Math.floor((minute.value ?? firstGap(days)) / 60);
  const start = dateStart(date) + hour * 3600e6;
  const step = (hours: number) => {
    minute.value = Math.min(23, Math.max(0, hour + hours)) * 60;
  };
  return (
    <section class="panel" aria-labelledby="hour-title">
      <header>
        <h2 id="hour-title">
          {t("hourOf", {
            from: shortClock(start, "utc"),
            to: hour === 23 ? "24:00" : shortClock(start + 3600e6, "utc"),
          })}
        </h2>
        {zoneName("local") !== "UTC" && (
          <span class="soft">
            {t("hourLocal", {
              from: shortClock(start, "local"),
              to: shortClock(start + 3600e6, "local"),
              zone: zoneName("local"),
            })}
          </span>
        )}
        <span class="end">
          <button
            type="button"
            class="btn plain"
            disabled={hour === 0}
            aria-label={t("hourBefore")}
            onClick={() => step(-1)}
          >
            ‹
          </button>
          <button
            type="button"
            class="btn plain"
            disabled={hour === 23}
            aria-label={t("hourAfter")}
            onClick={() => step(1)}
          >
            ›
          </button>
        </span>
      </header>
      {days.map((detail) => (
        <div class="hr" key={detail.stream}>
          <b>{detail.stream}</b>
          <div class="mins60" aria-hidden="true">
            {Array.from({ length: 60 }, (_, n) => {
              const at = hour * 60 + n;
              return (
                <i
                  key={n}
                  class={at === minute.value ? "bar sel" : "bar"}
                  data-l={levels[stateAt(detail, at)]}
                  title={`${shortClock(start + n * 60e6, "utc")} UTC: ${minuteText(detail, at)}`}
                />
              );
            })}
          </div>
        </div>
      ))}
      <div class="hr scale60" aria-hidden="true">
        <span />
        <div class="scale">
          {[0, 10, 20, 30, 40, 50].map((n) => (
            <span key={n}>{shortClock(start + n * 60e6, "utc")}</span>
          ))}
        </div>
      </div>
    </section>
  );
}

function firstGap(days: readonly DayDetail[]): number {
  const gaps = days.flatMap(({ spans }) => spans.filter(([, , state]) => state === "missing" || state === "partial"));
  return gaps.length === 0 ? 12 * 60 : Math.min(...gaps.map(([from]) => from));
}
