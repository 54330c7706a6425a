import { zoneName } from "../../text/local-time.ts";
import { decimalsOf, numberText, rangeOf, ticksOf } from "./scale.ts";
import { box, ink, label, pictureWidth, polyline, rule, type } from "./svg.ts";

/** A figure over time. Several panels share a time axis. */
export type Panel = {
  readonly title: string;
  /** Current value, right of the title. */
  readonly value: string;
  readonly color: string;
  readonly points: readonly { readonly atUs: number; readonly value: number | null }[];
  readonly fromZero: boolean;
};

/** The shared time axis and gaps of panels. */
export type PanelFrame = {
  readonly fromUs: number;
  readonly toUs: number;
  /** Points further apart than this are not connected, µs. */
  readonly breakUs: number;
  readonly gaps: readonly { readonly fromUs: number; readonly toUs: number }[];
  /** Time zone of the time axis; the machine's time zone if missing. */
  readonly timeZone?: string;
};

/** Left and right margin, px. */
export const margin = 40;

/** Width of the scale's numbers at the right, px. */
const scaleWidth = 176;

const plotRight = pictureWidth - margin - scaleWidth;

/** Draws a panel as SVG at `top`; `height` includes its title. */
export function drawPanel(panel: Panel, frame: PanelFrame, top: number, height: number): string {
  const plotTop = top + 56;
  const bottom = top + height - 20;
  const values = panel.points.map(({ value }) => value).filter((value) => value !== null);
  const [least, most] = rangeOf(values, { fromZero: panel.fromZero });
  const y = (value: number) => bottom - ((value - least) / (most - least)) * (bottom - plotTop);
  const ticks = values.length === 0 ? [] : ticksOf(least, most, height > 300 ? 4 : 2);
  const decimals = decimalsOf(ticks);
  return [
    label(margin, top + 36, panel.title, { fill: ink.soft, size: type.normal }),
    label(pictureWidth - margin, top + 36, panel.value, { fill: panel.color, size: type.normal, anchor: "end" }),
    box(margin, plotTop, plotRight - margin, bottom - plotTop, ink.surface),
    ...ticks.map((tick) => rule(margin, y(tick), plotRight - margin)),
    ...ticks.map((tick) =>
      label(plotRight + 16, y(tick) + 10, numberText(tick, decimals), { fill: ink.soft, size: type.small }),
    ),
    ...drawGaps(frame, plotTop, bottom),
    polyline(joined(panel, frame, y), panel.color, { floor: bottom, width: 4 }),
  ].join("");
}

/** Draws the time axis below the last panel. */
export function drawClock(frame: PanelFrame, top: number): string {
  const { fromUs, toUs, timeZone } = frame;
  const minuteUs = 60_000_000;
  const stepUs =
    ([2, 5, 15, 30, 60, 90, 360, 720].find((minutes) => (toUs - fromUs) / (minutes * minuteUs) <= 6) ?? 720) * minuteUs;
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", ...(timeZone && { timeZone }) } as const;
  const clock = new Intl.DateTimeFormat("en-GB", options);
  const style = { fill: ink.soft, size: type.small };
  const labels: string[] = [];
  for (let us = Math.ceil(fromUs / stepUs) * stepUs; us < toUs; us += stepUs) {
    const x = xOf(frame, us);
    if (x < margin || x > plotRight - 30) continue;
    const isFirst = x < margin + 36;
    labels.push(
      label(isFirst ? margin : x, top + 34, clock.format(us / 1000), {
        ...style,
        anchor: isFirst ? "start" : "middle",
      }),
    );
  }
  labels.push(label(pictureWidth - margin, top + 34, zoneName(fromUs, timeZone), { ...style, anchor: "end" }));
  return labels.join("");
}

function drawGaps(frame: PanelFrame, top: number, bottom: number): string[] {
  return frame.gaps.map(({ fromUs, toUs }) => {
    const from = Math.max(margin, xOf(frame, fromUs));
    const to = Math.min(plotRight, xOf(frame, toUs));
    // The minimum width keeps a gap of a second visible.
    const width = Math.max(4, to - from);
    return box(Math.min(from, plotRight - width), top, width, bottom - top, ink.bad, 'fill-opacity="0.38"');
  });
}

function joined(panel: Panel, frame: PanelFrame, y: (value: number) => number): (readonly [number, number] | null)[] {
  const shown: (readonly [number, number] | null)[] = [];
  let lastUs = frame.fromUs;
  for (const { atUs, value } of panel.points) {
    if (atUs - lastUs > frame.breakUs) shown.push(null);
    lastUs = atUs;
    shown.push(value === null ? null : [xOf(frame, atUs), y(value)]);
  }
  return shown;
}

function xOf({ fromUs, toUs }: PanelFrame, us: number): number {
  return margin + ((us - fromUs) / (toUs - fromUs)) * (plotRight - margin);
}
