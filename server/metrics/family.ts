import type { HistogramView } from "../platform/histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** One value of a family, with the labels that tell it from the others. */
export type MetricSample = readonly [value: number, labels?: Labels];

/**
 * A metric with all its samples. `name` is without what its type adds (`_total` of a counter, `_info` of an info). Values are in base
 * units (seconds, bytes, ratios from 0 to 1).
 */
export type Family =
  | {
      readonly type: "counter" | "gauge" | "info";
      readonly name: string;
      readonly help: string;
      readonly samples: readonly MetricSample[];
    }
  | {
      readonly type: "histogram";
      readonly name: string;
      readonly help: string;
      readonly view: HistogramView;
    };

/** What has only grown since the start of the process. */
export function counter(name: string, help: string, ...samples: readonly MetricSample[]): Family {
  return { type: "counter", name, help, samples };
}

/** What goes up and down; samples whose value is not known are left out. */
export function gauge(
  name: string,
  help: string,
  ...samples: readonly (readonly [value: number | null, labels?: Labels])[]
): Family {
  return { type: "gauge", name, help, samples: samples.filter((sample): sample is MetricSample => sample[0] !== null) };
}

/** What does not change: its labels are the news, its value is 1. */
export function info(name: string, help: string, labels: Labels): Family {
  return { type: "info", name, help, samples: [[1, labels]] };
}

/** How something was distributed since the start. */
export function histogram(name: string, help: string, view: HistogramView): Family {
  return { type: "histogram", name, help, view };
}

/** One sample for each of `values`, 1 where it is the `current` one and 0 where it is not. */
export function stateSet<T extends string>(label: string, values: readonly T[], current: T): readonly MetricSample[] {
  return values.map((value) => [value === current ? 1 : 0, { [label]: value }]);
}
