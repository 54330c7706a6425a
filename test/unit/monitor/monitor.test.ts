import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { createHardwareMeter } from "../../../server/monitor/hardware.ts";
import { createRates } from "../../../server/monitor/rates.ts";

test("a rate is the mean of the last five seconds, even with an unsteady timer", () => {
  const rates = createRates(["a", "b"]);
  rates.tick(0);
  let now = 0;
  for (let second = 0; second < 20; second++) {
    now += second % 2 === 0 ? 900_000 : 1_100_000;
    for (let n = 0; n < (second % 2 === 0 ? 9 : 11); n++) rates.count("a");
    rates.tick(now);
  }
  expect(rates.perSecond("a")).toBeCloseTo(10, 5);
  expect(rates.perSecond("b")).toBe(0);
  expect(rates.total("a")).toBe(200);
  for (let second = 0; second < 6; second++) {
    now += 1_000_000;
    rates.tick(now);
  }
  expect(rates.perSecond("a")).toBe(0);
});

test("a rate is correct from the second tick on", () => {
  const rates = createRates(["a"]);
  rates.tick(0);
  for (let n = 0; n < 7; n++) rates.count("a");
  rates.tick(1_000_000);
  expect(rates.perSecond("a")).toBe(7);
});

test("traffic within this machine counts only if asked for: the exchange of a demo is here", async () => {
  if (process.platform !== "linux") return;
  const [all, foreign] = [true, false].map((withLoopback) => createHardwareMeter(tmpdir(), { withLoopback }));
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("x".repeat(4_000_000)) });
  await (await fetch(server.url)).text();
  await server.stop(true);
  await Promise.all([foreign?.sample(), all?.sample()]);
  const of = (meter: typeof all) => meter?.current().network_receive_bytes_per_s ?? 0;
  expect(of(all)).toBeGreaterThan(of(foreign));
});

test("the hardware meter reports plausible sizes and shares", async () => {
  const meter = createHardwareMeter(tmpdir(), { withLoopback: false });
  const before = process.cpuUsage();
  const began = performance.now();
  for (const end = began + 60; performance.now() < end; );
  await meter.sample();
  const load = meter.current();
  // On a busy machine we had less than a whole core; the process knows how much.
  const { user, system } = process.cpuUsage(before);
  const cores = (user + system) / 1000 / (performance.now() - began);
  expect(load.process_cpu_cores).toBeGreaterThan(cores / 2);
  expect(load.cpu_ratio).toBeGreaterThanOrEqual(0);
  expect(load.cpu_ratio).toBeLessThanOrEqual(1);
  expect(load.disk_free_bytes).toBeGreaterThan(0);
  expect(load.disk_total_bytes).toBeGreaterThan(load.disk_free_bytes);
  expect(load.memory_used_bytes).toBeLessThan(load.memory_total_bytes);
  expect(load.process_memory_bytes).toBeGreaterThan(10e6);
});
