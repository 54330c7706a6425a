import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import { parseStreamType } from "../../domain/stream.ts";
import type { PictureJob } from "../pictures/picture-worker-client.ts";
import type { Sources } from "./command.ts";

/** Time spans of charts and distances of their points, µs. */
export const chartSpans = {
  "1h": { lengthUs: 3_600_000_000, stepUs: 10_000_000 },
  "6h": { lengthUs: 21_600_000_000, stepUs: 60_000_000 },
  // Segments last five minutes by default, so reading the head of each segment is enough.
  "24h": { lengthUs: 86_400_000_000, stepUs: 300_000_000 },
} as const;

export type ChartSpan = keyof typeof chartSpans;

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
  const { lengthUs, stepUs } = chartSpans[span];
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
  const chart = { symbol, span, fromUs, toUs, stepUs, rates, gaps, ...(timeZone === undefined ? {} : { timeZone }) };
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
