import { expect, test } from "bun:test";
import { encode } from "../../../server/metrics/exposition.ts";
import { counter, gauge, histogram, info, stateSet } from "../../../server/metrics/family.ts";
import { createHistogram } from "../../../server/platform/histogram.ts";

test("counters, gauges and infos follow the text format, with names and labels escaped", () => {
  const families = [
    counter("a_things", "Things.", [3, { cause: 'a "quoted"\\\nline' }], [0, { cause: "币安人生" }]),
    gauge("b_seconds", "A\nhelp \\ text.", [0.25], [null, { known: "no" }], [Number.POSITIVE_INFINITY, { never: "" }]),
    info("c", "What it is.", { version: "1.2.3" }),
  ];
  expect(encode(families, "text")).toBe(
    [
      "# HELP a_things_total Things.",
      "# TYPE a_things_total counter",
      'a_things_total{cause="a \\"quoted\\"\\\\\\nline"} 3',
      'a_things_total{cause="币安人生"} 0',
      "# HELP b_seconds A\\nhelp \\\\ text.",
      "# TYPE b_seconds gauge",
      "b_seconds 0.25",
      'b_seconds{never=""} +Inf',
      "# HELP c_info What it is.",
      "# TYPE c_info gauge",
      'c_info{version="1.2.3"} 1',
      "",
    ].join("\n"),
  );
});

test("OpenMetrics omits suffixes of family names, has infos and an end mark; samples are the same", () => {
  const view = createHistogram([0.5, 1]).read();
  const families = [counter("a", "A.", [1]), info("b", 'Say "b".', { x: "y" }), histogram("c", "C.", view)];
  const [text, openMetrics] = [encode(families, "text"), encode(families, "openmetrics")];
  expect(openMetrics).toContain("# TYPE a counter\na_total 1\n");
  expect(openMetrics).toContain('# HELP b Say \\"b\\".\n# TYPE b info\nb_info{x="y"} 1\n');
  expect(openMetrics).toEndWith("\n# EOF\n");
  const samples = (all: string) => all.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(samples(openMetrics)).toEqual(samples(text));
  expect(text).not.toContain("EOF");
});

test("a histogram counts the values up to each bound, and finally all values", () => {
  const seconds = createHistogram([0.1, 1, 2.5]);
  for (const value of [0, 0.1, 0.2, 1, 2, 9]) seconds.observe(value);
  expect(
    encode([histogram("d_seconds", "D.", seconds.read())], "text")
      .split("\n")
      .slice(2, -1),
  ).toEqual([
    'd_seconds_bucket{le="0.1"} 2',
    'd_seconds_bucket{le="1.0"} 4',
    'd_seconds_bucket{le="2.5"} 5',
    'd_seconds_bucket{le="+Inf"} 6',
    "d_seconds_sum 12.3",
    "d_seconds_count 6",
  ]);
});

test("a family without samples is left out, and only the present state is 1", () => {
  expect(encode([gauge("e", "E.", [null]), counter("f", "F.")], "text")).toBe("\n");
  expect(stateSet("level", ["ok", "low", "full"], "low")).toEqual([
    [0, { level: "ok" }],
    [1, { level: "low" }],
    [0, { level: "full" }],
  ]);
});
