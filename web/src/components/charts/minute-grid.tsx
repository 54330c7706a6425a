import { useComputed, useSignal } from "@preact/signals";
import type { DayDetail, MinuteState } from "../../../../server/domain/queries.ts";
import { causeWord } from "../../present/causes.ts";
import { duration, number } from "../../present/format.ts";
import { dateName, dateStart } from "../../present/time.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";

const stateWords: Record<MinuteState, keyof Words> = {
  recorded: "stateRecorded",
  partial: "statePartial",
  missing: "stateMissing",
  halted: "stateHalted",
  ahead: "stateAhead",
  before: "stateBefore",
};

const cell = 10;

/** The 1440 minutes of a day, an hour a row. What is pointed at, tapped, or reached by the slider is said below. */
export function MinuteGrid({ detail }: { detail: DayDetail }) {
  const at = useSignal<number | null>(null);
  const said = useComputed(() => (at.value === null ? t("minuteHint") : describe(detail, at.value)));
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as SVGElement).getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * 60);
    const row = Math.floor(((event.clientY - box.top) / box.height) * 24);
    at.value = Math.min(1439, Math.max(0, row * 60 + column));
  };
  return (
    <div class="minute-grid">
      <div class="hours" aria-hidden="true">
        {Array.from({ length: 24 }, (_, hour) => (
          <span key={hour}>{hour % 3 === 0 ? `${String(hour).padStart(2, "0")}:00` : ""}</span>
        ))}
      </div>
      <svg
        viewBox={`0 0 ${60 * cell} ${24 * cell}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={t("minutesOf", { date: dateName(detail.date) })}
        onPointerMove={point}
        onPointerDown={point}
      >
        {(["recorded", "partial", "missing", "halted", "ahead", "before"] as const).map((state) => (
          <path key={state} class={state} d={pathOf(detail, state)} />
        ))}
        <Cursor at={at.value} />
      </svg>
      <input
        type="range"
        min={0}
        max={1439}
        value={useComputed(() => at.value ?? 0)}
        aria-label={t("minuteHint")}
        aria-valuetext={said}
        onInput={(event) => {
          at.value = Number(event.currentTarget.value);
        }}
      />
      <p class="said">{said}</p>
    </div>
  );
}

function Cursor({ at }: { at: number | null }) {
  if (at === null) return null;
  const [x, y] = [(at % 60) * cell, Math.floor(at / 60) * cell];
  return <rect class="cursor" x={x} y={y} width={cell} height={cell} />;
}

function pathOf({ spans }: DayDetail, state: MinuteState): string {
  let path = "";
  for (const [from, to, of] of spans) {
    if (of !== state) continue;
    for (let minute = from; minute < to; minute++)
      path += `M${(minute % 60) * cell + 0.5} ${Math.floor(minute / 60) * cell + 0.5}h${cell - 1}v${cell - 1}h${1 - cell}z`;
  }
  return path;
}

function describe(detail: DayDetail, minute: number): string {
  const clock = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")} UTC`;
  const state = detail.spans.find(([from, to]) => minute >= from && minute < to)?.[2] ?? "ahead";
  const from = dateStart(detail.date) + minute * 60e6;
  const gaps = detail.gaps.filter(({ from_us, to_us }) => to_us > from && from_us < from + 60e6);
  const rows = t("minuteRows", { rows: number(detail.rows_per_minute[minute] ?? 0) });
  const why = gaps.map(({ cause, from_us, to_us }) => `${causeWord(cause)} (${duration((to_us - from_us) / 1e6)})`);
  return [clock, t(stateWords[state]), ...(state === "ahead" ? [] : [rows]), ...why].join(" · ");
}
