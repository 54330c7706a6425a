import { expect, test } from "bun:test";
import type { Sample } from "../../../server/domain/queries.ts";
import { createSeries } from "../../../server/monitor/series.ts";

const second = 1e6;
const sample = (over: Partial<Sample>): Sample => ({
  messages_per_s: null,
  delay_p50_ms: null,
  gaps: null,
  disk_free_bytes: null,
  memory_bytes: null,
  cpu_cores: null,
  network_bytes_per_s: null,
  ...over,
});

test("ten seconds become one value: the sum of gaps, the minimum of free disk, the mean of the rest", () => {
  const series = createSeries();
  for (let n = 0; n < 20; n++) {
    series.addSample(n * second, sample({ messages_per_s: n, gaps: n % 2, disk_free_bytes: 100 - n }));
  }
  const { from_us, step_s, values } = series.view("hour", 19 * second);
  expect([values.messages_per_s.length, step_s, from_us]).toEqual([360, 10, (1 - 359) * 10 * second]);
  expect(values.messages_per_s.slice(-2)).toEqual([4.5, 14.5]);
  expect(values.gaps.slice(-2)).toEqual([5, 5]);
  expect(values.disk_free_bytes.slice(-2)).toEqual([91, 81]);
  expect(values.delay_p50_ms.at(-1)).toBeNull();
});

test("a time without samples is unknown, not zero, and the view extends to now", () => {
  const series = createSeries();
  series.addSample(0, sample({ cpu_cores: 1 }));
  series.addSample(35 * second, sample({ cpu_cores: 2 }));
  expect(series.view("hour", 55 * second).values.cpu_cores.slice(-6)).toEqual([1, null, null, 2, null, null]);
});

test("after more than an hour only the last hour is left, even if the clock jumped", () => {
  const series = createSeries();
  for (let n = 0; n < 5000; n += 10) series.addSample(n * second, sample({ messages_per_s: n }));
  const { values } = series.view("hour", 4999 * second);
  expect(values.messages_per_s[0]).toBe(1400);
  expect(values.messages_per_s.at(-1)).toBe(4990);
  series.addSample(900_000 * second, sample({ messages_per_s: 7 }));
  expect(series.view("hour", 900_000 * second).values.messages_per_s.filter((value) => value !== null)).toEqual([7]);
});

test("after a clock step back, samples are added to the latest interval without loss", () => {
  const series = createSeries();
  series.addSample(100 * second, sample({ gaps: 1 }));
  series.addSample(40 * second, sample({ gaps: 1 }));
  expect(series.view("hour", 100 * second).values.gaps.at(-1)).toBe(2);
});

test("the finished intervals of the week survive a restart", () => {
  const series = createSeries();
  for (let n = 0; n <= 900; n++) series.addSample(n * second, sample({ messages_per_s: n < 300 ? 10 : 30 }));
  const rows = series.drainFinished();
  expect(rows.map(({ from_us }) => from_us / second)).toEqual([0, 300, 600]);
  expect(series.drainFinished()).toEqual([]);
  const next = createSeries();
  next.restore(rows);
  next.addSample(1500 * second, sample({ messages_per_s: 50 }));
  expect(next.view("week", 1500 * second).values.messages_per_s.slice(-6)).toEqual([10, 30, 30, null, null, 50]);
});
