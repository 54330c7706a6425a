import { dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { awaitsBackfill, type Gap } from "../../domain/gap.ts";
import { parseStreamType } from "../../domain/stream.ts";
import type { PictureJob } from "../pictures/picture-worker-client.ts";
import type { Sources } from "./command.ts";

/** Time spans of charts, and the time between two points of them, µs. */
export const chartSpans = {
  "1h": { lengthUs: 3_600_000_000, stepUs: 10_000_000 },
  "6h": { lengthUs: 21_600_000_000, stepUs: 60_000_000 },
  // Segments are five minutes long unless configured otherwise: reading the head of each is enough.
  "24h": { lengthUs: 86_400_000_000, stepUs: 300_000_000 },
} as const;

export type ChartSpan = keyof typeof chartSpans;

const minuteUs = 60_000_000;

/** Gaps that a chart shows one by one. */
const mostGaps = 500;

/** What is to be drawn for the last hours of a symbol; null where no stream of it has prices. */
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
  const own = status().symbols.find((one) => one.symbol === symbol)?.streams ?? [];
  const folders = own.flatMap((one) => parseStreamType(one.stream)?.folder ?? []);
  const filter = { stream: null, symbol, cause: null, fromUs, toUs };
  const known = history
    .gaps(filter, mostGaps, null)
    .items.filter((gap) => awaitsBackfill(gap) || gap.cause === "halted");
  const open = own.flatMap(({ gap }) => (gap === null ? [] : [{ from_us: gap.from_us, to_us: toUs }]));
  const rates: { atUs: number; value: number | null }[] = [];
  for (let start = dateStartUs(dateOf(fromUs)); start < toUs; start += dayUs) {
    const days = folders.map((folder) => history.day({ stream: folder, symbol, date: dateOf(start) }));
    for (let minute = 0; minute < 1440; minute++) {
      const atUs = start + minute * minuteUs;
      // The running minute is not over yet, and the first one is only partly shown.
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

/** Gaps that touch are one to whoever looks at them. */
function united(gaps: readonly Pick<Gap, "from_us" | "to_us">[], fromUs: number, toUs: number) {
  const found: { fromUs: number; toUs: number }[] = [];
  for (const { from_us, to_us } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    const [from, to] = [Math.max(from_us, fromUs), Math.min(to_us, toUs)];
    const last = found.at(-1);
    if (from >= to) continue;
    if (last !== undefined && from <= last.toUs) last.toUs = Math.max(last.toUs, to);
    else found.push({ fromUs: from, toUs: to });
  }
  return found;
}
