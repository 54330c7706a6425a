import { type Sample, type SeriesName, type SeriesSpan, type SeriesView, seriesNames } from "../domain/queries.ts";
import type { Status } from "../domain/status.ts";

/** The last hour and the last week of every figure, in memory that does not grow. */
export type Series = {
  /** One sample; call it every few seconds. A clock that was stepped back goes on in the interval it had reached. */
  note(nowUs: number, sample: Sample): void;
  view(span: SeriesSpan, nowUs: number): SeriesView;
  /** The finished intervals of the week since the last call, to be kept over a restart. */
  takeFinished(): SeriesRow[];
  /** Puts kept intervals back; call it before the first `note`. */
  restore(rows: readonly SeriesRow[]): void;
};

/** One interval of the week: its start, and a value for each figure in the order of `seriesNames`. */
export type SeriesRow = { readonly from_us: number; readonly values: readonly (number | null)[] };

const spans: Record<SeriesSpan, { readonly stepS: number; readonly length: number }> = {
  hour: { stepS: 10, length: 360 },
  week: { stepS: 300, length: 2016 },
};

/** How an interval's samples become one value: gaps add up, of the free disk the least counts, of all else the mean. */
const folds: Record<SeriesName, "sum" | "least" | "mean"> = {
  messages_per_s: "mean",
  delay_p50_ms: "mean",
  gaps: "sum",
  disk_free_bytes: "least",
  memory_bytes: "mean",
  cpu_cores: "mean",
  network_bytes_per_s: "mean",
};

/** Finished intervals that nobody has taken; beyond it the oldest are given up. */
const mostFinished = 288;

/** An empty history: about 130 kB, whatever happens. */
export function createSeries(): Series {
  const rings = { hour: createRing("hour"), week: createRing("week") };
  let finished: SeriesRow[] = [];
  return {
    note(nowUs, sample) {
      rings.hour.note(nowUs, sample);
      const row = rings.week.note(nowUs, sample);
      if (row === null) return;
      finished.push(row);
      if (finished.length > mostFinished) finished.shift();
    },
    view: (span, nowUs) => rings[span].view(nowUs),
    takeFinished() {
      const rows = finished;
      finished = [];
      return rows;
    },
    restore(rows) {
      for (const row of rows) rings.week.put(row);
    },
  };
}

function createRing(span: SeriesSpan) {
  const { stepS, length } = spans[span];
  const stepUs = stepS * 1e6;
  const rings = seriesNames.map(() => new Float64Array(length).fill(Number.NaN));
  /** The newest interval, counted from the epoch; -1 while there is none. */
  let newest = -1;
  const samples = new Uint32Array(seriesNames.length);

  /** Makes an interval the newest one, emptying those that were passed over. */
  function advance(interval: number): void {
    const from = newest < 0 ? interval - length + 1 : Math.max(newest + 1, interval - length + 1);
    for (const ring of rings) for (let n = from; n <= interval; n++) ring[n % length] = Number.NaN;
    samples.fill(0);
    newest = interval;
  }

  function rowOf(interval: number): SeriesRow {
    return { from_us: interval * stepUs, values: rings.map((ring) => known(ring[interval % length])) };
  }

  return {
    /** Returns the interval that this sample has ended, or null. */
    note(nowUs: number, sample: Sample): SeriesRow | null {
      const interval = Math.floor(nowUs / stepUs);
      const ended = newest >= 0 && interval > newest && samples.some((count) => count > 0) ? rowOf(newest) : null;
      if (interval > newest) advance(interval);
      const at = newest % length;
      for (let n = 0; n < seriesNames.length; n++) {
        const name = seriesNames[n] as SeriesName;
        const value = sample[name];
        const ring = rings[n];
        if (value === null || ring === undefined) continue;
        const count = samples[n] ?? 0;
        const kept = ring[at] ?? Number.NaN;
        ring[at] = count === 0 && Number.isNaN(kept) ? value : fold(folds[name], kept, count, value);
        samples[n] = count + 1;
      }
      return ended;
    },
    put(row: SeriesRow): void {
      const interval = Math.floor(row.from_us / stepUs);
      if (interval > newest) advance(interval);
      if (interval <= newest - length) return;
      for (const [n, ring] of rings.entries()) ring[interval % length] = row.values[n] ?? Number.NaN;
    },
    view(nowUs: number): SeriesView {
      const last = Math.max(newest, Math.floor(nowUs / stepUs));
      const first = last - length + 1;
      const read = (ring: Float64Array) =>
        Array.from({ length }, (_, n) =>
          first + n > newest || first + n <= newest - length ? null : known(ring[(first + n) % length]),
        );
      const values = Object.fromEntries(seriesNames.map((name, n) => [name, read(rings[n] ?? new Float64Array(0))]));
      return { from_us: first * stepUs, step_s: stepS, values: values as unknown as SeriesView["values"] };
    },
  };
}

function fold(how: "sum" | "least" | "mean", kept: number, count: number, value: number): number {
  if (how === "sum") return kept + value;
  if (how === "least") return Math.min(kept, value);
  return kept + (value - kept) / (count + 1);
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : Math.round(value * 1000) / 1000;
}

/** The figures of a status of which a history is kept; gaps are counted from one to the next. */
export function sampleOf({ totals, hardware, symbols }: Status): Omit<Sample, "gaps"> {
  const delays = symbols.map(({ delay_ms }) => delay_ms).filter((delay) => delay !== null);
  const received = hardware.network_receive_bytes_per_s;
  return {
    messages_per_s: totals.messages_per_s,
    delay_p50_ms: delays.sort((a, b) => a - b)[Math.floor(delays.length / 2)] ?? null,
    disk_free_bytes: hardware.disk_total_bytes > 0 ? hardware.disk_free_bytes : null,
    memory_bytes: hardware.process_memory_bytes,
    cpu_cores: hardware.process_cpu_cores,
    network_bytes_per_s: received,
  };
}
