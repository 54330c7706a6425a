import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { isDark } from "../../browser/theme.ts";
import { number } from "../../present/format.ts";
import { loadPlot } from "../../present/plot.ts";
import { clock, day, shortClock, zone } from "../../present/time.ts";
import { language, t } from "../../words/i18n.ts";
import "uplot/dist/uPlot.min.css";

/** Times in seconds, and a value for each, null where unknown; bars count, lines flow. */
export type ChartData = { readonly times: readonly number[]; readonly values: readonly (number | null)[] };

type Props = {
  name: string;
  data: ReadonlySignal<ChartData>;
  decimals?: number;
  height?: number;
  shape?: "line" | "bars";
  from?: "zero" | "least";
};

/** A chart of one figure over time, by uPlot. What is pointed at is said above it; for those who do not see it, its extremes are. */
export function Chart({ name, data, decimals = 0, height = 150, shape = "line", from = "zero" }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const pointed = useSignal<number | null>(null);
  const dark = isDark.value;
  const spoken = language.value;
  const shownZone = zone.value;
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let plot: uPlot | null = null;
    let stopped = false;
    let stopFollowing = () => {};
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height }));
    void loadPlot().then((UPlot) => {
      if (stopped || UPlot === null) return;
      const options = optionsOf(UPlot, { width: element.clientWidth, height, shape, from, decimals });
      plot = new UPlot(
        { ...options, hooks: { setCursor: [({ cursor }) => (pointed.value = cursor.idx ?? null)] } },
        [[], []],
        element,
      );
      stopFollowing = data.subscribe(({ times, values }) => plot?.setData([[...times], [...values]]));
      resized.observe(element);
    });
    return () => {
      stopped = true;
      stopFollowing();
      resized.disconnect();
      plot?.destroy();
    };
  }, [data, dark, spoken, shownZone, height]);
  const summary = useComputed(() => summaryOf(name, data.value, decimals));
  const said = useComputed(() => sayPointed(data.value, pointed.value, decimals));
  return (
    <figure class="chart">
      <figcaption>
        <span>{name}</span> <span class="said">{said}</span>
      </figcaption>
      <div ref={box} class="plot" role="img" aria-label={summary} style={{ height: `${height}px` }} />
    </figure>
  );
}

type Look = Required<Pick<Props, "height" | "shape" | "from" | "decimals">> & { width: number };

function optionsOf(UPlot: typeof uPlot, { width, height, shape, from, decimals }: Look): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement("i");
  document.body.append(probe);
  // `light-dark()` has to be resolved by somebody who has a colour.
  const colour = (name: string) => {
    probe.style.color = style.getPropertyValue(name);
    return getComputedStyle(probe).color;
  };
  const [ink, line, accent] = [colour("--soft"), colour("--line"), colour("--accent")];
  probe.remove();
  const axis = {
    stroke: ink,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: (_, least, most) => rangeOf(least, most, from) } },
    axes: [
      {
        ...axis,
        space: 70,
        size: 30,
        values: (_, splits) => splits.map((at) => timeOf(at, (splits[1] ?? 0) - (splits[0] ?? 0))),
      },
      {
        ...axis,
        size: 62,
        space: 34,
        values: (_, splits) => splits.map((value) => number(value, decimalsOf(splits, decimals))),
      },
    ],
    series: [
      {},
      {
        stroke: accent,
        width: 1.5,
        fill: `color-mix(in srgb, ${accent} 12%, transparent)`,
        points: { show: false },
        ...(shape === "bars" && UPlot.paths.bars ? { paths: UPlot.paths.bars({ size: [1, 40] }) } : {}),
      },
    ],
  };
}

function rangeOf(least: number | null, most: number | null, from: "zero" | "least"): [number, number] {
  if (least === null || most === null) return [0, 1];
  const low = from === "zero" ? Math.min(0, least) : least;
  const margin = (most - low || Math.abs(most) * 0.01 || 1) * 0.08;
  return [from === "zero" && low === 0 ? 0 : low - margin, most + margin];
}

function decimalsOf(splits: readonly number[], most: number): number {
  const step = Math.abs((splits[1] ?? 0) - (splits[0] ?? 0));
  return step >= 1 || step === 0 ? 0 : Math.min(Math.max(most, 2), Math.ceil(-Math.log10(step)));
}

function timeOf(seconds: number, step: number): string {
  if (step >= 86_400) return day(seconds * 1e6);
  return step >= 60 || step === 0 ? shortClock(seconds * 1e6) : clock(seconds * 1e6);
}

function sayPointed({ times, values }: ChartData, at: number | null, decimals: number): string {
  const time = at === null ? undefined : times[at];
  if (at === null || time === undefined) return "";
  const value = values[at];
  return `${day(time * 1e6)} ${clock(time * 1e6)} · ${value === null || value === undefined ? "–" : number(value, decimals)}`;
}

function summaryOf(what: string, { values }: ChartData, decimals: number): string {
  const known = values.filter((value) => value !== null);
  const [last] = known.slice(-1);
  if (last === undefined) return t("chartEmpty", { what });
  const figure = (value: number) => number(value, decimals);
  return t("chartOf", { what, last: figure(last), min: figure(Math.min(...known)), max: figure(Math.max(...known)) });
}
