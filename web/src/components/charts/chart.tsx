import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../../present/format.ts";
import { type ChartData, linePath, nearest, rangeOf, timeMarks, xOf, yOf } from "../../present/plot.ts";
import { clock } from "../../present/time.ts";
import { t } from "../../words/i18n.ts";

export type { ChartData } from "../../present/plot.ts";

type Props = {
  name: string;
  data: ReadonlySignal<ChartData>;
  height: number;
  /** How a value is written; by default with as many decimals as the axis needs. */
  format?: (value: number) => string;
  isStepped?: boolean;
  fromZero?: boolean;
  /** Writes the newest value on the axis. */
  isTagged?: boolean;
  /** Marks on the axis of values, at most. */
  marks?: number;
  /** The shortest time axis, s: few values are not stretched over all of it. */
  shortest?: number;
};

const foot = 20;
const head = 8;
/** Width of a digit at 12 px, and space beside a label. */
const digit = 7;
const space = 14;
/** Height of the newest value's tag; labels that it would cover are left out. */
const tagHeight = 20;

/** Width of an element in px, followed as it changes; 0 before it is known. */
export function useWidth<E extends Element>() {
  const box = useRef<E>(null);
  const width = useSignal(0);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    width.value = element.clientWidth;
    const observer = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

/** One figure over time. What is pointed at is written in the chart; its extremes are read out. */
export function Chart({
  name,
  data,
  height,
  format,
  isStepped = false,
  fromZero = false,
  isTagged = false,
  marks = 5,
  shortest = 60,
}: Props) {
  const { box, width } = useWidth<HTMLDivElement>();
  const pointed = useSignal<number | null>(null);
  const drawn = useComputed(() => {
    const { times, values } = data.value;
    const ticks = rangeOf(values, fromZero, marks);
    const text = (value: number) => number(value, ticks.decimals);
    const known = values.findLast((value) => value !== null) ?? null;
    const labels = ticks.values.map(text);
    const tag = known === null ? "" : (format ?? withDecimals(ticks.decimals))(known);
    const longest = Math.max(...labels.map((label) => label.length), isTagged ? tag.length + 1 : 0);
    const axis = longest * digit + space;
    const to = times.at(-1) ?? 1;
    const frame = {
      ...{ width: Math.max(10, width.value - axis), height: height - foot - head },
      ...{
        from: Math.min(times[0] ?? 0, to - shortest),
        to,
        low: ticks.values[0] ?? 0,
        high: ticks.values.at(-1) ?? 1,
      },
    };
    return { frame, ticks, labels, tag, known, axis, ...linePath(frame, data.value, isStepped) };
  });
  const point = (event: PointerEvent) => {
    const { frame } = drawn.value;
    const left = (event.currentTarget as Element).getBoundingClientRect().left;
    const time = frame.from + ((event.clientX - left) / frame.width) * (frame.to - frame.from);
    pointed.value = data.value.times.length === 0 ? null : nearest(data.value, time);
  };
  const summary = useComputed(() => summaryOf(name, data.value, format ?? withDecimals(drawn.value.ticks.decimals)));
  const { frame, ticks, labels, tag, known, axis, line, area } = drawn.value;
  return (
    <div ref={box}>
      <svg
        class="chart"
        role="img"
        aria-label={summary.value}
        width={width.value}
        height={height}
        viewBox={`0 ${-head} ${Math.max(1, width.value)} ${height}`}
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => {
          pointed.value = null;
        }}
      >
        {ticks.values.map((value, n) => {
          const y = Math.round(yOf(frame, value)) + 0.5;
          return (
            <g key={value}>
              <path class="grid" d={`M0 ${y}H${frame.width}`} />
              {(!isTagged || known === null || Math.abs(y - yOf(frame, known)) > tagHeight) && (
                <text x={frame.width + 8} y={y + 4}>
                  {labels[n]}
                </text>
              )}
            </g>
          );
        })}
        {width.value > 0 && <TimeAxis frame={frame} />}
        {(fromZero || isStepped) && <path class="ar" d={area} />}
        <path class="ln" d={line} />
        {isTagged && known !== null && (
          <g>
            <path class="now" d={`M0 ${yOf(frame, known)}H${frame.width}`} />
            <rect
              class="tag"
              x={frame.width + 2}
              y={yOf(frame, known) - tagHeight / 2}
              width={axis - 2}
              height={tagHeight}
              rx={3}
            />
            <text class="tagt" x={frame.width + 8} y={yOf(frame, known) + 4}>
              {tag}
            </text>
          </g>
        )}
        <Pointed at={pointed.value} data={data.value} frame={frame} format={format ?? withDecimals(ticks.decimals)} />
      </svg>
    </div>
  );
}

function TimeAxis({ frame }: { frame: Parameters<typeof xOf>[0] }) {
  return (
    <>
      {timeMarks(frame.from, frame.to, frame.width).map(({ at, text }) => {
        const x = xOf(frame, at);
        const anchor = x < 24 ? "start" : x > frame.width - 24 ? "end" : "middle";
        return (
          <text key={at} x={x} y={frame.height + 16} text-anchor={anchor}>
            {text}
          </text>
        );
      })}
    </>
  );
}

type PointedProps = {
  at: number | null;
  data: ChartData;
  frame: Parameters<typeof xOf>[0];
  format: (value: number) => string;
};

function Pointed({ at, data, frame, format }: PointedProps) {
  const time = at === null ? undefined : data.times[at];
  if (at === null || time === undefined) return null;
  const value = data.values[at] ?? null;
  const text = `${clock(time * 1e6)} · ${value === null ? "–" : format(value)}`;
  const width = text.length * digit + space;
  const x = xOf(frame, time);
  const left = Math.max(0, Math.min(frame.width - width, x - width / 2));
  return (
    <g class="pointed">
      <path class="cross" d={`M${Math.round(x) + 0.5} 0V${frame.height}`} />
      {value !== null && <circle class="dot" cx={x} cy={yOf(frame, value)} r={4} />}
      <rect class="inkbox" x={left} y={-head} width={width} height={20} rx={3} />
      <text class="onink" x={left + width / 2} y={14 - head} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}

function withDecimals(decimals: number): (value: number) => string {
  return (value) => number(value, decimals);
}

/** What a chart says to those who do not see it. */
export function summaryOf(what: string, { values }: ChartData, format: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return t("chartEmpty", { what });
  return t("chartOf", { what, last: format(last), min: format(Math.min(...known)), max: format(Math.max(...known)) });
}
