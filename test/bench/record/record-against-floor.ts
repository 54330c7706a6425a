import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "../../support/program.ts";
import { cpuUs, residentBytes } from "../cpu.ts";
import { openDashboards, startRecorder, startSender, symbolNames } from "../processes.ts";

/** CPU per message of one run, µs, and how many messages a second it took. */
export type Run = { readonly usPerMessage: number; readonly perSecond: number; readonly memoryBytes: number };

/** How long to wait before measuring, and to measure, ms. */
export type Times = { readonly warmUpMs: number; readonly measureMs: number };

/** Dashboards that are open (1), and the length of a window (1 minute, which seals five times as often as the default). */
export type Settings = { readonly dashboards?: number; readonly segmentMinutes?: number };

const bareClient = [process.execPath, join(import.meta.dir, "floor.ts")] as const;
const pythonScript = ["python3", join(import.meta.dir, "ten-lines.py")] as const;

/** The bare client at this rate; 0 is flat out. */
export async function measureFloor(perSecond: number, times: Times): Promise<Run> {
  return await measureClient(bareClient, perSecond, times);
}

/** A Python script of ten lines that only writes JSON (`ten-lines.py`; needs the package `websockets`). */
export async function measureScript(perSecond: number, times: Times): Promise<Run> {
  return await measureClient(pythonScript, perSecond, times);
}

async function measureClient(words: readonly string[], perSecond: number, times: Times): Promise<Run> {
  const client = await startClient(words, perSecond);
  try {
    return await measure(client, times);
  } finally {
    await client.stop();
  }
}

/** The whole program at this rate. */
export async function measureRecorder(perSecond: number, times: Times, settings: Settings = {}): Promise<Run> {
  const recorder = await startMeasured(perSecond, settings);
  try {
    return await measure(recorder, times);
  } finally {
    await recorder.stop();
  }
}

/** Both at the same time, each with a sender of its own, over and over again once they are warm. */
export async function measureSideBySide(
  perSecond: number,
  { warmUpMs, measureMs }: Times,
  rounds: number,
  settings: Settings,
): Promise<readonly { readonly floor: Run; readonly ours: Run }[]> {
  const floor = await startClient(bareClient, perSecond);
  const recorder = await startMeasured(perSecond, settings);
  const times = { warmUpMs: 0, measureMs };
  try {
    await Bun.sleep(warmUpMs);
    const found: { floor: Run; ours: Run }[] = [];
    for (let round = 0; round < rounds; round++) {
      const [bare, ours] = await Promise.all([measure(floor, times), measure(recorder, times)]);
      found.push({ floor: bare, ours });
    }
    return found;
  } finally {
    await recorder.stop();
    await floor.stop();
  }
}

/** A process whose messages can be counted. */
type Measured = { readonly pid: number; count(): Promise<number>; stop(): Promise<void> };

/** A client that takes a URL and writes a line for each message into a file. */
async function startClient(words: readonly string[], perSecond: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-floor-"));
  const sender = await startSender(perSecond);
  const file = join(folder, "floor.txt");
  const streams = symbolNames(15).map((symbol) => `${symbol.toLowerCase()}@depth20@100ms`);
  const url = `${sender.wsUrl}/stream?streams=${streams.join("/")}`;
  const child = start([...words, url, file]);
  return {
    pid: child.pid,
    count: async () => Number((await Bun.$`wc -l < ${file}`.text()).trim()),
    async stop() {
      child.kill("SIGTERM");
      await child.ended;
      await sender.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startMeasured(perSecond: number, { dashboards = 1, segmentMinutes = 1 }: Settings): Promise<Measured> {
  const sender = await startSender(perSecond);
  const recorder = await startRecorder(sender, { symbols: 15, segmentMinutes });
  const close = openDashboards(recorder.url, dashboards);
  return {
    pid: recorder.pid,
    count: async () => (await recorder.status()).totals.records,
    async stop() {
      close();
      await recorder.stop();
      await sender.stop();
    },
  };
}

async function measure({ pid, count }: Measured, { warmUpMs, measureMs }: Times): Promise<Run> {
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
