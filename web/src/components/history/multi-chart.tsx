import { useSignal } from "@preact/signals";
import type { SeriesName, SeriesView } from "../../../../server/domain/queries.ts";
import { causeWord } from "../../present/causes.ts";
import { gapLength, number } from "../../present/format.ts";
import type { GapGroup } from "../../present/gap-groups.ts";
import { type ChartData, linePath, nearest, rangeOf, timeMarks } from "../../present/plot.ts";
import { dayClock, zoneName } from "../../present/time.ts";
import type { Words } from "../../words/common-en.ts";
import { t } from "../../words/i18n.ts";
import { summaryOf, useWidth } from "../charts/chart.tsx";

/** The shown time span, s since the Unix epoch. */
export type View = { readonly from: number; readonly to: number };
type Figure = {
  readonly name: SeriesName;
  readonly word: keyof Words;
  readonly scale: number;
  readonly fromZero: boolean;
};

const figures: readonly Figure[] = [
  { name: "messages_per_s", word: "seriesRate", scale: 1, fromZero: true },
  { name: "delay_p50_ms", word: "seriesDelay", scale: 1, fromZero: true },
  { name: "network_bytes_per_s", word: "seriesNetwork", scale: 1e-3, fromZero: true },
  { name: "cpu_cores", word: "seriesCpu", scale: 100, fromZero: true },
  { name: "memory_bytes", word: "seriesMemory", scale: 1e-6, fromZero: true },
  { name: "disk_free_bytes", word: "seriesDisk", scale: 1e-9, fromZero: false },
];

const height = 68;
/** A drag shorter than this, px, is a click. */
const leastDrag = 6;

type Props = {
  series: SeriesView;
  view: View;
  gaps: readonly GapGroup[];
  onZoom: (view: View) => void;
  onBack: () => void;
};

/** Small charts of all figures on one time axis, with one crosshair. Dragging chooses a part of it. */
export function MultiChart({ series, view, gaps, onZoom, onBack }: Props) {
  const { box, width } = useWidth<HTMLDivElement>();
  const at = useSignal<number | null>(null);
  const dragFrom = useSignal<number | null>(null);
  const times = series.values.messages_per_s.map((_, n) => series.from_us / 1e6 + n * series.step_s);
  const timeAt = (event: PointerEvent) => {
    const { left, width: wide } = (event.currentTarget as Element).getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - left) / wide));
    return view.from + share * (view.to - view.from);
  };
  const place = (time: number) => `${((time - view.from) / (view.to - view.from)) * 100}%`;
  const release = (event: PointerEvent) => {
    const [start, end] = [dragFrom.value, timeAt(event)];
    dragFrom.value = null;
    if (start === null) return;
    const perPixel = (view.to - view.from) / Math.max(1, width.value);
    const [from, to] = [Math.min(start, end), Math.max(start, end)];
    if (to - from > leastDrag * perPixel && to - from > 4 * series.step_s) onZoom({ from, to });
  };
  const step = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by === undefined) return;
    const next = (at.value ?? view.to) + by * series.step_s;
    at.value = Math.min(view.to, Math.max(view.from, next));
    event.preventDefault();
  };
  const pointed = gaps.find(({ fromUs, toUs }) => isNear(at.value, fromUs / 1e6, toUs / 1e6, view));
  return (
    <div class="multi">
      <div class="row head">
        <div class="label">
          <b>{zoneName()}</b>
        </div>
        <div class="plot" ref={box}>
          <svg class="chart" height={24} aria-hidden="true">
            {timeMarks(view.from, view.to, Math.max(200, width.value))
              .filter(({ at: time }) => isInside(time, view))
              .map(({ at: time, text }) => (
                <text key={time} x={place(time)} y={16} text-anchor="middle">
                  {text}
                </text>
              ))}
          </svg>
        </div>
        <div class="axis" />
      </div>
      {figures.slice(0, 2).map((figure) => (
        <Row key={figure.name} figure={figure} series={series} times={times} view={view} at={at.value} />
      ))}
      <div class="row">
        <div class="label">
          <span>{t("seriesGaps")}</span>
          <b>
            {pointed === undefined
              ? gaps.length === 0
                ? t("noGapsShown")
                : number(gaps.length)
              : `${gapLength((pointed.toUs - pointed.fromUs) / 1e6)} · ${causeWord(pointed.cause)}`}
          </b>
        </div>
        <div class="plot">
          <svg class="chart" height={44} aria-hidden="true">
            {gaps.map(({ fromUs }) => (
              <rect key={fromUs} class="flag" x={place(fromUs / 1e6)} y={8} width={4} height={32} />
            ))}
          </svg>
        </div>
        <div class="axis" />
      </div>
      {figures.slice(2).map((figure) => (
        <Row key={figure.name} figure={figure} series={series} times={times} view={view} at={at.value} />
      ))}
      <button
        type="button"
        class="over"
        aria-label={t("zoomHint")}
        onPointerMove={(event) => {
          at.value = timeAt(event);
        }}
        onPointerDown={(event) => {
          if (event.pointerType !== "touch") dragFrom.value = timeAt(event);
          at.value = timeAt(event);
        }}
        onPointerUp={release}
        onPointerLeave={(event) => {
          if (event.pointerType !== "touch") at.value = null;
        }}
        onDblClick={onBack}
        onKeyDown={step}
      >
        {dragFrom.value !== null && at.value !== null && (
          <i
            class="band"
            style={{
              left: place(Math.min(dragFrom.value, at.value)),
              width: `${(Math.abs(at.value - dragFrom.value) / (view.to - view.from)) * 100}%`,
            }}
          />
        )}
        {at.value !== null && (
          <>
            <i class="cross-line" style={{ left: place(at.value) }} />
            <span class="cross-text" style={{ left: `clamp(80px, ${place(at.value)}, calc(100% - 80px))` }}>
              {`${dayClock(at.value * 1e6)} ${zoneName()}`}
            </span>
          </>
        )}
      </button>
    </div>
  );
}

type RowProps = { figure: Figure; series: SeriesView; times: readonly number[]; view: View; at: number | null };

function Row({ figure: { name, word, scale, fromZero }, series, times, view, at }: RowProps) {
  const { box, width } = useWidth<HTMLDivElement>();
  const data = cut(
    { times, values: series.values[name].map((value) => (value === null ? null : value * scale)) },
    view,
  );
  const ticks = rangeOf(data.values, fromZero, 3);
  const [low = 0, high = 1] = [ticks.values[0], ticks.values.at(-1)];
  const frame = { width: Math.max(10, width.value), height: height - 8, from: view.from, to: view.to, low, high };
  const { line, area } = linePath(frame, data, false);
  const place = at === null ? data.times.length - 1 : nearest(data, at);
  const value = data.values[place] ?? null;
  const decimals = Math.max(ticks.decimals, Math.abs(value ?? 0) < 100 ? 1 : 0);
  const text = (figure: number) => number(figure, decimals);
  return (
    <div class="row">
      <div class="label">
        <span>{t(word)}</span>
        <b>{value === null ? "–" : text(value)}</b>
      </div>
      <div class="plot" ref={box}>
        <svg
          class="chart"
          role="img"
          aria-label={summaryOf(t(word), data, text)}
          height={height}
          viewBox={`0 -4 ${frame.width} ${height}`}
          preserveAspectRatio="none"
        >
          {ticks.values.map((tick) => {
            const y = frame.height - ((tick - low) / (high - low)) * frame.height;
            return <path key={tick} class="grid" d={`M0 ${Math.round(y) + 0.5}H${frame.width}`} />;
          })}
          {fromZero && <path class="ar" d={area} />}
          <path class="ln" d={line} />
        </svg>
      </div>
      <div class="axis" aria-hidden="true">
        <span>{number(high, ticks.decimals)}</span>
        <span>{number(low, ticks.decimals)}</span>
      </div>
    </div>
  );
}

/** The part of the data that is in view. */
function cut({ times, values }: ChartData, { from, to }: View): ChartData {
  const first = times.findIndex((time) => time >= from);
  const after = times.findIndex((time) => time > to);
  const range = [first < 0 ? times.length : first, after < 0 ? times.length : after] as const;
  return { times: times.slice(...range), values: values.slice(...range) };
}

/** Away from the ends, where a label would be cut off. */
function isInside(time: number, { from, to }: View): boolean {
  const share = (time - from) / (to - from);
  return share > 0.04 && share < 0.96;
}

function isNear(at: number | null, from: number, to: number, view: View): boolean {
  const slack = (view.to - view.from) / 100;
  return at !== null && at > from - slack && at < to + slack;
}
