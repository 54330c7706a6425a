import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import { parseStreamType } from "../../domain/stream.ts";
import type { PictureJob } from "../pictures/picture-worker-client.ts";
import type { Sources } from "./command.ts";

/** A time span of a chart, with its name in commands: `2h`, `90min`. */
export type ChartSpan = { readonly name: string; readonly lengthUs: number };

/** Shortest and longest chart. Longer charts would read whole archives. */
const leastUs = 600_000_000;
const mostUs = 3 * dayUs;

/** Segments last five minutes by default: beyond six hours reading the head of each segment is enough. */
const longUs = 21_600_000_000;
const segmentUs = 300_000_000;

/** Points of a chart up to six hours, and of a longer chart. */
const mostPoints = 360;
const longPoints = 288;

/** Parses `2h`, `90min`, `1.5h`, `1d`, `2시간` or `6` (hours); null if it is no time or out of range. */
export function chartSpan(word: string): ChartSpan | null {
  const parts = /^(\d{1,5}(?:\.\d)?)(m|min|분|h|시간|d|일)?$/i.exec(word);
  if (parts === null) return null;
  const unit = (parts[2] ?? "h").toLowerCase();
  const each = /^(m|min|분)$/.test(unit) ? minuteUs : /^(d|일)$/.test(unit) ? dayUs : 60 * minuteUs;
  const minutes = Math.round((Number(parts[1]) * each) / minuteUs);
  const lengthUs = minutes * minuteUs;
  if (lengthUs < leastUs || lengthUs > mostUs) return null;
  return { name: minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}min`, lengthUs };
}

/** Returns the distance of a chart's points, µs. */
function stepOf(lengthUs: number): number {
  return lengthUs <= longUs ? lengthUs / mostPoints : Math.max(segmentUs, lengthUs / longPoints);
}

const minuteUs = 60_000_000;

/** Upper bound for the gaps of a chart. */
const mostGaps = 500;

/** Collects the data for a symbol's chart; null if no stream of the symbol has prices. */
export function chartRequest(
  { status, history, nowUs, priceStream, dataDir }: Sources,
  symbol: string,
  span: ChartSpan,
  timeZone?: string,
): (PictureJob & { kind: "chart" }) | null {
  const stream = priceStream(symbol);
  if (stream === null) return null;
  const { name, lengthUs } = span;
  const stepUs = stepOf(lengthUs);
  const toUs = nowUs();
  const fromUs = toUs - lengthUs;
  const streams = status().symbols.find((row) => row.symbol === symbol)?.streams ?? [];
  const folders = streams.flatMap((row) => parseStreamType(row.stream)?.folder ?? []);
  const filter = { stream: null, symbol, cause: null, fromUs, toUs };
  const known = history
    .gaps(filter, mostGaps, null)
    .items.filter((gap) => awaitsBackfill(gap) || gap.cause === "halted");
  const open = streams.flatMap(({ gap }) => (gap === null ? [] : [{ from_us: gap.from_us, to_us: toUs }]));
  const rates: { atUs: number; value: number | null }[] = [];
  for (let start = dateStartUs(dateOf(fromUs)); start < toUs; start += dayUs) {
    const days = folders.map((folder) => history.day({ stream: folder, symbol, date: dateOf(start) }));
    for (let minute = 0; minute < 1440; minute++) {
      const atUs = start + minute * minuteUs;
      // Incomplete minutes at both ends are left out.
      if (atUs < fromUs || atUs + minuteUs > toUs) continue;
      const counts = days.map((day) => day?.rows_per_minute[minute]).filter((rows) => rows !== undefined);
      const sum = counts.reduce((total, rows) => total + rows, 0);
      rates.push({ atUs: atUs + minuteUs / 2, value: counts.length === 0 ? null : sum / 60 });
    }
  }
  const gaps = united([...known, ...open], fromUs, toUs);
  const chart = {
    symbol,
    span: name,
    fromUs,
    toUs,
    stepUs,
    rates,
    gaps,
    ...(timeZone === undefined ? {} : { timeZone }),
  };
  return { kind: "chart", dataDir, stream, chart };
}

/** Merges touching gaps and clips them to the chart. */
function united(gaps: readonly Pick<Gap, "from_us" | "to_us">[], fromUs: number, toUs: number) {
  const merged: { fromUs: number; toUs: number }[] = [];
  for (const { from_us, to_us } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    const [from, to] = [Math.max(from_us, fromUs), Math.min(to_us, toUs)];
    const last = merged.at(-1);
    if (from >= to) continue;
    if (last !== undefined && from <= last.toUs) last.toUs = Math.max(last.toUs, to);
    else merged.push({ fromUs: from, toUs: to });
  }
  return merged;
}
