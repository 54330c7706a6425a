import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "../support/program.ts";
import { cpuUs, residentBytes } from "./cpu.ts";
import { openDashboards, startRecorder, startSender, symbolNames } from "./processes.ts";

/** CPU per message of one run, µs, and how many messages a second it took. */
export type Run = { readonly usPerMessage: number; readonly perSecond: number; readonly memoryBytes: number };

/** How long to wait before measuring, and to measure, ms. */
export type Times = { readonly warmUpMs: number; readonly measureMs: number };

/** The bare client at this rate; 0 is flat out. */
export async function measureFloor(perSecond: number, times: Times): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-floor-"));
  const sender = await startSender(perSecond);
  const file = join(folder, "floor.txt");
  const streams = symbolNames(15).map((symbol) => `${symbol.toLowerCase()}@depth20@100ms`);
  const url = `${sender.wsUrl}/stream?streams=${streams.join("/")}`;
  const child = start([process.execPath, join(import.meta.dir, "./floor.ts"), url, file]);
  try {
    return await measure(child.pid, times, async () => Number((await Bun.$`wc -l < ${file}`.text()).trim()));
  } finally {
    child.kill("SIGTERM");
    await child.ended;
    await sender.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The whole program at this rate, with so many dashboards open; windows of one minute seal five times as often as the default. */
export async function measureRecorder(
  perSecond: number,
  times: Times,
  settings: { dashboards?: number; segmentMinutes?: number } = {},
): Promise<Run> {
  const { dashboards = 1, segmentMinutes = 1 } = settings;
  const sender = await startSender(perSecond);
  const recorder = await startRecorder(sender, { symbols: 15, segmentMinutes });
  const close = openDashboards(recorder.url, dashboards);
  try {
    return await measure(recorder.pid, times, async () => (await recorder.status()).totals.records);
  } finally {
    close();
    await recorder.stop();
    await sender.stop();
  }
}

async function measure(pid: number, { warmUpMs, measureMs }: Times, count: () => Promise<number>): Promise<Run> {
  await Bun.sleep(warmUpMs);
  const before = { count: await count(), cpu: cpuUs(pid), at: performance.now() };
  await Bun.sleep(measureMs);
  const after = { count: await count(), cpu: cpuUs(pid), at: performance.now() };
  const messages = after.count - before.count;
  return {
    usPerMessage: (after.cpu - before.cpu) / messages,
    perSecond: (messages / (after.at - before.at)) * 1000,
    memoryBytes: residentBytes(pid),
  };
}
