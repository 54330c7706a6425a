import type { HistogramView } from "../platform/histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** One value of a family, with the labels that identify it. */
export type MetricSample = readonly [value: number, labels?: Labels];

/**
 * A metric with all its samples, in base units (seconds, bytes, ratios from 0 to 1).
 * `name` lacks the suffix of the type (`_total` of a counter, `_info` of an info).
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

/** Creates a metric that only increases while the process runs. */
export function counter(name: string, help: string, ...samples: readonly MetricSample[]): Family {
  return { type: "counter", name, help, samples };
}

/** Creates a metric that goes up and down. Omits samples with unknown values. */
export function gauge(
  name: string,
  help: string,
  ...samples: readonly (readonly [value: number | null, labels?: Labels])[]
): Family {
  return { type: "gauge", name, help, samples: samples.filter((sample): sample is MetricSample => sample[0] !== null) };
}

/** Creates a constant metric: its labels carry the information, its value is 1. */
export function info(name: string, help: string, labels: Labels): Family {
  return { type: "info", name, help, samples: [[1, labels]] };
}

/** Creates a metric for a distribution since the start. */
export function histogram(name: string, help: string, view: HistogramView): Family {
  return { type: "histogram", name, help, view };
}

/** Creates one sample per value: 1 for the `current` value, 0 for the others. */
export function stateSet<T extends string>(label: string, values: readonly T[], current: T): readonly MetricSample[] {
  return values.map((value) => [value === current ? 1 : 0, { [label]: value }]);
}
