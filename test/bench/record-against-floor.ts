import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../server/status.ts";
import { cpuUs, residentBytes } from "./cpu.ts";

/** CPU per message of one run, µs, and how many messages a second it took. */
export type Run = { readonly usPerMessage: number; readonly perSecond: number; readonly memoryBytes: number };

const here = import.meta.dir;
const symbols = Array.from({ length: 15 }, (_, n) => `SYM${String(n).padStart(2, "0")}USDT`);
const warmUpMs = 3000;

/** The bare client at this rate, measured over `measureMs` after a warm-up. */
export async function measureFloor(perSecond: number, measureMs: number): Promise<Run> {
  return withSender(perSecond, async (port, folder) => {
    const file = join(folder, "floor.txt");
    const streams = symbols.map((symbol) => `${symbol.toLowerCase()}@depth20@100ms`).join("/");
    const child = spawn([join(here, "floor.ts"), `ws://127.0.0.1:${port}/stream?streams=${streams}`, file]);
    await Bun.sleep(warmUpMs);
    const lines = async () => Number((await Bun.$`wc -l < ${file}`.text()).trim());
    const before = { cpu: cpuUs(child.pid), at: performance.now(), count: await lines() };
    await Bun.sleep(measureMs);
    const after = { cpu: cpuUs(child.pid), at: performance.now(), count: await lines() };
    const memoryBytes = residentBytes(child.pid);
    child.kill("SIGTERM");
    await child.exited;
    return runOf(before, after, memoryBytes);
  });
}

/** The whole program at this rate, sealing each minute, with one dashboard open. */
export async function measureRecorder(perSecond: number, measureMs: number): Promise<Run> {
  return withSender(perSecond, async (port, folder) => {
    const child = spawn(
      [
        join(here, "../../server/main.ts"),
        "record",
        "--port",
        "0",
        "--data-dir",
        join(folder, "data"),
        "--log-level",
        "warn",
      ],
      {
        RT_DATA_EXCHANGE_WS_URL: `ws://127.0.0.1:${port}`,
        RT_DATA_EXCHANGE_REST_URL: `http://127.0.0.1:${port}`,
        RT_DATA_RECORD_SYMBOLS: symbols.join(","),
        RT_DATA_RECORD_STREAMS: "depth20@100ms",
        RT_DATA_RECORD_SEGMENT_MINUTES: "1",
      },
    );
    const url = /Dashboard: (http:\S+)\/dashboard/.exec(await firstLine(child.stdout))?.[1] ?? "";
    const dashboard = new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`);
    await Bun.sleep(warmUpMs);
    const records = async () => ((await (await fetch(`${url}/api/status`)).json()) as Status).totals.records;
    const before = { count: await records(), cpu: cpuUs(child.pid), at: performance.now() };
    await Bun.sleep(measureMs);
    const after = { count: await records(), cpu: cpuUs(child.pid), at: performance.now() };
    const memoryBytes = residentBytes(child.pid);
    dashboard.close();
    child.kill("SIGTERM");
    await child.exited;
    return runOf(before, after, memoryBytes);
  });
}

type Reading = { readonly cpu: number; readonly at: number; readonly count: number };

function runOf(before: Reading, after: Reading, memoryBytes: number): Run {
  const count = after.count - before.count;
  return {
    usPerMessage: (after.cpu - before.cpu) / count,
    perSecond: (count / (after.at - before.at)) * 1000,
    memoryBytes,
  };
}

async function withSender<T>(perSecond: number, work: (port: string, folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "rt-data-bench-"));
  const sender = spawn([join(here, "sender.ts"), String(perSecond)]);
  try {
    return await work(await firstLine(sender.stdout), folder);
  } finally {
    sender.kill();
    await sender.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

function spawn(words: readonly string[], environment: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, ...words], {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...environment },
    stdout: "pipe",
    stderr: "inherit",
  });
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return new TextDecoder().decode(value).trim().split("\n")[0] ?? "";
}
