import type { MinuteSpan, MinuteState } from "../../domain/queries.ts";
import { drawClock, drawPanel, margin, type PanelFrame } from "./panel.ts";
import { numberText } from "./scale.ts";
import { box, ink, label, pictureWidth, svg, textWidth, type } from "./svg.ts";

/** The data of a day's picture: coverage per symbol, the worst first, and rate and delay over the day. */
export type DayPicture = {
  /** UTC date. */
  readonly date: string;
  readonly fromUs: number;
  readonly toUs: number;
  /** Mean of all symbols, 0 to 1; null if unknown. */
  readonly coverage: number | null;
  readonly gaps: number;
  readonly rows: readonly {
    readonly symbol: string;
    readonly coverage: number | null;
    readonly spans: readonly MinuteSpan[];
  }[];
  /** Number of symbols without a row. */
  readonly others: number;
  readonly rate: readonly { readonly atUs: number; readonly value: number | null }[];
  readonly delay: readonly { readonly atUs: number; readonly value: number | null }[];
};

/** Upper bound for rows, so that a phone shows them legibly. */
export const mostDayRows = 14;

const rowHeight = 52;
const barLeft = 270;
const barRight = pictureWidth - margin - 150;

const colors: Record<MinuteState, string> = {
  recorded: "#2aa873",
  partial: ink.warn,
  missing: ink.bad,
  halted: ink.soft,
  ahead: ink.blank,
  before: ink.blank,
};

/** Draws a day as SVG. */
export function dayPicture(day: DayPicture): string {
  const frame: PanelFrame = { fromUs: day.fromUs, toUs: day.toUs, breakUs: 750_000_000, gaps: [], timeZone: "UTC" };
  const listTop = 190;
  const listBottom = listTop + day.rows.length * rowHeight + (day.others > 0 ? rowHeight + 12 : 8);
  const panelHeight = 210;
  const last = (points: DayPicture["rate"]) => meanOf(points);
  const parts = [
    headline(day),
    ...day.rows.map((row, n) => drawRow(row, listTop + n * rowHeight)),
    day.others > 0
      ? label(margin, listTop + day.rows.length * rowHeight + 36, `and ${day.others} more, no worse than these`, {
          fill: ink.soft,
          size: type.small,
        })
      : "",
    drawPanel(
      { title: "messages per second", value: last(day.rate), color: ink.accent, points: day.rate, fromZero: true },
      frame,
      listBottom,
      panelHeight,
    ),
    drawPanel(
      { title: "delay, ms", value: last(day.delay), color: ink.warn, points: day.delay, fromZero: true },
      frame,
      listBottom + panelHeight,
      panelHeight,
    ),
    drawClock(frame, listBottom + 2 * panelHeight - 18),
  ];
  return svg(listBottom + 2 * panelHeight + 50, parts);
}

function headline({ date, coverage, gaps }: DayPicture): string {
  const share = coverage === null ? "–" : percentOf(coverage);
  const isWhole = coverage !== null && coverage >= 1;
  return [
    label(margin, 86, date, { size: type.title }),
    label(margin + textWidth(date, type.title) + 28, 86, "UTC", { size: type.normal, fill: ink.soft }),
    label(pictureWidth - margin, 86, share, { size: type.title, anchor: "end", fill: isWhole ? ink.good : ink.text }),
    label(margin, 148, gaps === 0 ? (isWhole ? "no gaps" : "") : gaps === 1 ? "1 gap" : `${numberText(gaps, 0)} gaps`, {
      fill: gaps === 0 ? ink.soft : ink.bad,
    }),
    label(pictureWidth - margin, 148, "recorded", { fill: ink.soft, anchor: "end" }),
  ].join("");
}

function drawRow({ symbol, coverage, spans }: DayPicture["rows"][number], top: number): string {
  const size = symbol.length > 11 ? 22 : type.small;
  const x = (minute: number) => barLeft + (minute / 1440) * (barRight - barLeft);
  const bars = spans
    // Complete spans are drawn first, so that a missing minute stays visible above them.
    .toSorted((a, b) => Number(a[2] !== "recorded") - Number(b[2] !== "recorded"))
    .map(([from, to, state]) => {
      const least = state === "recorded" || state === "ahead" || state === "before" ? 0 : 3;
      return box(x(from), top + 8, Math.max(least, x(to) - x(from)), 34, colors[state]);
    });
  const share = coverage === null ? "–" : percentOf(coverage);
  const fill = coverage !== null && coverage >= 1 ? ink.soft : ink.text;
  return [
    label(margin, top + 36, symbol.length > 14 ? `${symbol.slice(0, 13)}…` : symbol, { size }),
    box(barLeft, top + 8, barRight - barLeft, 34, ink.blank),
    ...bars,
    label(pictureWidth - margin, top + 36, share, { size: type.small, anchor: "end", fill }),
  ].join("");
}

/** Formats a share. Rounds down, so that only a complete day is 100%. */
function percentOf(share: number): string {
  return share >= 1 ? "100%" : `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

function meanOf(points: DayPicture["rate"]): string {
  const known = points.map(({ value }) => value).filter((value) => value !== null);
  if (known.length === 0) return "–";
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return `mean ${numberText(mean, mean < 100 ? 1 : 0)}`;
}
