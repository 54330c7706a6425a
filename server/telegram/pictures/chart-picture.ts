import { decimalsIn } from "../../text/decimal-figure.ts";
import type { ChartPoint } from "./chart-points.ts";
import { drawClock, drawPanel, margin, type Panel, type PanelFrame } from "./panel.ts";
import { numberText, shortSpan } from "./scale.ts";
import { ink, label, pictureWidth, svg, textWidth, type } from "./svg.ts";

/** The data of a chart: a symbol's price, spread, rate and gaps over some hours. */
export type Chart = {
  readonly symbol: string;
  /** Time span in words, such as `1h`. */
  readonly span: string;
  readonly fromUs: number;
  readonly toUs: number;
  readonly points: readonly ChartPoint[];
  /** Time between two points without a gap, µs. */
  readonly stepUs: number;
  /** Records a second over all streams of the symbol, by minute; null if no stream was recorded. */
  readonly rates: readonly { readonly atUs: number; readonly value: number | null }[];
  readonly gaps: readonly { readonly fromUs: number; readonly toUs: number }[];
  /** Time zone of displayed times; the machine's time zone if missing. */
  readonly timeZone?: string;
};

const height = 1140;

/** Draws a chart as SVG. */
export function chartPicture(chart: Chart): string {
  const { fromUs, toUs, gaps, points, timeZone } = chart;
  const frame: PanelFrame = { fromUs, toUs, breakUs: chart.stepUs * 2.5, gaps, ...(timeZone && { timeZone }) };
  const rateFrame = { ...frame, breakUs: 150_000_000 };
  const prices = points.map(({ atUs, bid, ask }) => ({ atUs, value: (Number(bid) + Number(ask)) / 2 }));
  const decimals = Math.max(0, ...points.map(({ bid, ask }) => Math.max(decimalsIn(bid), decimalsIn(ask))));
  const spreads = points.map(({ atUs, bid, ask }) => ({ atUs, value: basisPoints(Number(bid), Number(ask)) }));
  const lastSpread = spreads.at(-1)?.value ?? null;
  const lastRate = chart.rates.findLast(({ value }) => value !== null)?.value ?? null;
  const panels: readonly (readonly [Panel, PanelFrame, number])[] = [
    [{ title: "mid price", value: "", color: ink.accent, points: prices, fromZero: false }, frame, 490],
    [
      {
        title: "spread, basis points",
        color: ink.warn,
        points: spreads,
        fromZero: true,
        value: lastSpread === null ? "–" : numberText(lastSpread, lastSpread < 1 ? 3 : 1),
      },
      frame,
      210,
    ],
    [
      {
        title: "records per second",
        color: ink.good,
        points: chart.rates,
        fromZero: true,
        value: lastRate === null ? "–" : numberText(lastRate, 1),
      },
      rateFrame,
      210,
    ],
  ];
  const parts = [headline(chart, prices, decimals)];
  let top = 190;
  for (const [panel, panelFrame, size] of panels) {
    parts.push(drawPanel(panel, panelFrame, top, size));
    top += size;
  }
  parts.push(drawClock(frame, top - 18));
  return svg(height, parts);
}

function headline(chart: Chart, prices: readonly { readonly value: number }[], decimals: number): string {
  const { symbol, span, gaps } = chart;
  const first = prices[0]?.value;
  const last = prices.at(-1)?.value;
  const change = first === undefined || last === undefined || first === 0 ? null : last / first - 1;
  const titleSize = symbol.length > 12 ? type.large : type.title;
  const lostUs = gaps.reduce((sum, gap) => sum + gap.toUs - gap.fromUs, 0);
  const counted = gaps.length === 1 ? "1 gap" : `${gaps.length} gaps`;
  const price = last === undefined ? "no data" : numberText(last, decimals);
  return [
    label(margin, 86, symbol, { size: titleSize }),
    label(margin + textWidth(symbol, titleSize) + 24, 86, span, { size: type.large, fill: ink.soft }),
    label(pictureWidth - margin, 86, price, { size: price.length > 12 ? type.large : type.title, anchor: "end" }),
    label(margin, 148, gaps.length === 0 ? "no gaps" : `${counted}, ${shortSpan(lostUs)}`, {
      fill: gaps.length === 0 ? ink.soft : ink.bad,
    }),
    change === null
      ? ""
      : label(pictureWidth - margin, 148, `${change < 0 ? "−" : "+"}${numberText(Math.abs(change) * 100, 2)}%`, {
          size: type.large,
          anchor: "end",
          fill: change < 0 ? ink.bad : ink.good,
        }),
  ].join("");
}

function basisPoints(bid: number, ask: number): number {
  const mid = (bid + ask) / 2;
  return mid === 0 ? 0 : ((ask - bid) / mid) * 10_000;
}
