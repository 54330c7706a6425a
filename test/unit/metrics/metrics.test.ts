import { expect, test } from "bun:test";
import { createMetrics } from "../../../server/metrics/metrics.ts";
import { rawGet, serve } from "../../support/http/serving.ts";
import { fakeSources } from "../../support/metrics/sources.ts";
import { until } from "../../support/wait.ts";

const quiet = () => ({ dashboards: 3, books: 1, dropped: 2, pendingRequests: 1 });

/** Parses samples by name and labels. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const samples = lines.map(
    (line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))] as const,
  );
  expect(new Set(samples.map(([name]) => name)).size).toBe(samples.length);
  return new Map(samples);
}

test("every stream has counters, last receipt and buffer; every cause, rule and level has a sample, even if it is 0", () => {
  const samples = samplesOf(
    createMetrics(
      fakeSources(() => 5, 3),
      quiet,
    ).text("text"),
  );
  const stream = '{stream="depth20@100ms",symbol="BTCUSDT"}';
  for (const name of ["messages_total", "records_total", "written_bytes_total", "buffered_records"])
    expect(samples.get(`rt_data_${name}${stream}`)).toBeGreaterThanOrEqual(0);
  const age = Date.now() / 1000 - (samples.get(`rt_data_last_receive_timestamp_seconds${stream}`) ?? 0);
  expect(age).toBeLessThan(60);
  expect(samples.get('rt_data_gaps_total{cause="reconnect"}')).toBe(5);
  expect(samples.get('rt_data_gap_seconds_total{cause="silent"}')).toBe(6.5);
  expect(samples.get('rt_data_missing_records_total{cause="halted"}')).toBe(115);
  expect(samples.get('rt_data_alerts_open{rule="disk_low",severity="critical"}')).toBe(1);
  expect(samples.get('rt_data_alerts_open{rule="disk_low",severity="info"}')).toBe(0);
  expect(samples.get('rt_data_disk_level{level="ok"}')).toBe(1);
  expect(samples.get('rt_data_disk_level{level="full"}')).toBe(0);
  expect(samples.get('rt_data_websocket_clients{kind="dashboard"}')).toBe(3);
  expect(samples.get("rt_data_clock_offset_seconds")).toBe(0.0008);
  expect(samples.get("rt_data_archived_compressed_bytes_total")).toBe(4_874_073_480);
  expect(samples.get("rt_data_telegram_queue_messages")).toBe(2);
});

test("unknown values and unconfigured parts are left out instead of reported as 0", () => {
  const none = { disk: null, upload: null, telegram: null, clock_offset_ms: null };
  const sources = fakeSources(() => 1, 2);
  const status = () => ({ ...sources.status(), ...none });
  const text = createMetrics({ ...sources, status }, quiet).text("text");
  for (const name of ["rt_data_disk_free", "rt_data_upload", "rt_data_clock_offset_seconds", "telegram"])
    expect([name, text.includes(name)]).toEqual([name, false]);
  const full = fakeSources(() => 1, 1);
  const { disk } = full.status();
  const filling = () => ({ ...full.status(), disk: disk && { ...disk, fill_bytes_per_s: 0, full_in_s: null } });
  const steady = createMetrics({ ...full, status: filling }, quiet).text("text");
  expect(steady).toContain("rt_data_disk_full_in_seconds +Inf\n");
});

test("metrics are collected at most once a second, for any number of clients and formats", async () => {
  let collected = 0;
  const sources = fakeSources(() => collected, 2);
  const counting = { ...sources, dropped: () => ++collected };
  const metrics = createMetrics(counting, quiet);
  const [first, second] = [metrics.text("text"), metrics.text("text")];
  metrics.text("openmetrics");
  expect(second).toBe(first);
  expect(collected).toBe(1);
  await until(() => metrics.text("text") !== first, "a second to be over", 5_000);
  expect(collected).toBe(2);
});

test("the process metrics have the standard names", () => {
  const samples = samplesOf(
    createMetrics(
      fakeSources(() => 1, 1),
      quiet,
    ).text("text"),
  );
  const { user, system } = process.cpuUsage();
  expect(samples.get("process_cpu_seconds_total")).toBeCloseTo((user + system) / 1e6, 0);
  expect(samples.get("process_resident_memory_bytes")).toBeGreaterThan(10_000_000);
  const uptime = Date.now() / 1000 - (samples.get("process_start_time_seconds") ?? 0);
  expect(Math.abs(uptime - process.uptime())).toBeLessThan(5);
  expect(samples.get("process_open_fds")).toBeGreaterThan(2);
});

test("/metrics answers GET and HEAD in the text format, or in OpenMetrics on request", async () => {
  const metrics = createMetrics(
    fakeSources(() => 1, 1),
    quiet,
  );
  const { url, port, close } = await serve({
    metrics: (open) => ({
      text: metrics.text(open ? "openmetrics" : "text"),
      contentType: open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4",
    }),
  });
  const text = await fetch(`${url}/metrics`);
  expect([text.status, text.headers.get("content-type")]).toEqual([200, "text/plain; version=0.0.4"]);
  expect(await text.text()).not.toContain("# EOF");
  const accept = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
  const open = await fetch(`${url}/metrics`, { headers: { accept } });
  expect(open.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(await open.text()).toEndWith("# EOF\n");
  expect((await fetch(`${url}/metrics`, { method: "HEAD" })).status).toBe(200);
  expect((await rawGet(port, "/metrics?anything=1")).status).toBe(200);
  await close();
});
