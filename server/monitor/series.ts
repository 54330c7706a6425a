import { type Sample, type SeriesName, type SeriesSpan, type SeriesView, seriesNames } from "../domain/queries.ts";
import type { Status } from "../domain/status.ts";

/** Keeps the last hour and the last week of every figure in bounded memory. */
export type Series = {
  /** Adds a sample; must be called every few seconds. After a clock step back, samples go into the interval already reached. */
  addSample(nowUs: number, sample: Sample): void;
  view(span: SeriesSpan, nowUs: number): SeriesView;
  /** Returns the intervals of the week finished since the last call, to store them across a restart. */
  drainFinished(): SeriesRow[];
  /** Restores stored intervals. Must be called before the first sample. */
  restore(rows: readonly SeriesRow[]): void;
};

/** One interval of the week: its start, and a value for each figure in the order of `seriesNames`. */
export type SeriesRow = { readonly from_us: number; readonly values: readonly (number | null)[] };

const spans: Record<SeriesSpan, { readonly stepS: number; readonly length: number }> = {
  hour: { stepS: 10, length: 360 },
  week: { stepS: 300, length: 2016 },
};

/** How the samples of an interval are combined: the sum of gaps, the minimum of free disk, the mean of all others. */
const folds: Record<SeriesName, "sum" | "least" | "mean"> = {
  messages_per_s: "mean",
  delay_p50_ms: "mean",
  gaps: "sum",
  disk_free_bytes: "least",
  memory_bytes: "mean",
  cpu_cores: "mean",
  network_bytes_per_s: "mean",
};

/** Most finished intervals kept for `drainFinished`. Beyond this, the oldest are dropped. */
const maxFinished = 288;

/** Creates an empty history of about 130 kB, which never grows. */
export function createSeries(): Series {
  const rings = { hour: createRing("hour"), week: createRing("week") };
  let finished: SeriesRow[] = [];
  return {
    addSample(nowUs, sample) {
      rings.hour.add(nowUs, sample);
      const row = rings.week.add(nowUs, sample);
      if (row === null) return;
      finished.push(row);
      if (finished.length > maxFinished) finished.shift();
    },
    view: (span, nowUs) => rings[span].view(nowUs),
    drainFinished() {
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
  /** The latest interval, counted from the epoch; -1 before the first. */
  let newest = -1;
  const samples = new Uint32Array(seriesNames.length);

  /** Advances to an interval and clears the intervals that were skipped. */
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
    /** Adds a sample. Returns the interval that this sample has ended, or null. */
    add(nowUs: number, sample: Sample): SeriesRow | null {
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
        const combined = ring[at] ?? Number.NaN;
        ring[at] = count === 0 && Number.isNaN(combined) ? value : fold(folds[name], combined, count, value);
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

/** Extracts the figures with a history from a status, except gaps, which are counted between samples. */
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
