import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../server/domain/status.ts";
import { type Program, rtData, start } from "../support/program.ts";
import { until } from "../support/wait.ts";

/** Where messages come from, in a process of its own. */
export type Sender = { readonly wsUrl: string; readonly restUrl: string; stop(): Promise<void> };

/** A recorder under measurement. */
export type Recorder = {
  readonly pid: number;
  readonly url: string;
  readonly dataDir: string;
  status(): Promise<Status>;
  errors(): string;
  stop(): Promise<void>;
};

/** Names of `count` symbols, as the sender and the market use them. */
export function symbolNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `SYM${String(n).padStart(2, "0")}USDT`);
}

/** The load of the original's benchmark at this rate; 0 for as fast as it is taken. */
export async function startSender(perSecond: number, symbols = 15): Promise<Sender> {
  const child = start([process.execPath, join(import.meta.dir, "web/sender.ts"), String(perSecond), String(symbols)]);
  await until(() => child.output().includes("\n"), "the sender's port", 20_000);
  const port = child.output().trim();
  return { wsUrl: `ws://127.0.0.1:${port}`, restUrl: `http://127.0.0.1:${port}`, stop: () => end(child) };
}

/** The invented market with symbols of different paces. */
export async function startMarket(symbols: number): Promise<Sender> {
  const child = start([process.execPath, join(import.meta.dir, "market.ts"), String(symbols)]);
  await until(() => child.output().includes("\n"), "the market's addresses", 60_000);
  const { wsUrl, restUrl } = JSON.parse(child.output()) as { wsUrl: string; restUrl: string };
  return { wsUrl, restUrl, stop: () => end(child) };
}

/** `rt-data record` with this sender, in a new folder unless a folder is given. */
export async function startRecorder(
  sender: Sender,
  settings: {
    symbols: number;
    streams?: string;
    segmentMinutes?: number;
    dataDir?: string;
    words?: readonly string[];
    /** Further settings. */
    env?: Readonly<Record<string, string>>;
  },
): Promise<Recorder> {
  const { symbols, streams = "depth20@100ms", segmentMinutes = 5, words = rtData } = settings;
  const folder = settings.dataDir === undefined ? mkdtempSync(join(tmpdir(), "rt-data-bench-")) : null;
  const dataDir = settings.dataDir ?? join(folder ?? "", "data");
  const child = start([...words, "record", "--port", "0", "--data-dir", dataDir], {
    env: {
      RT_DATA_EXCHANGE_WS_URL: sender.wsUrl,
      RT_DATA_EXCHANGE_REST_URL: sender.restUrl,
      RT_DATA_RECORD_SYMBOLS: symbolNames(symbols).join(","),
      RT_DATA_RECORD_STREAMS: streams,
      RT_DATA_RECORD_SEGMENT_MINUTES: String(segmentMinutes),
      ...settings.env,
    },
  });
  const url = await child.url();
  return {
    ...{ pid: child.pid, url, dataDir, errors: child.errors },
    status: async () => (await (await fetch(`${url}/api/status`)).json()) as Status,
    async stop() {
      await end(child);
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Opens dashboards; the returned function closes them. */
export function openDashboards(url: string, count: number): () => void {
  const sockets = Array.from({ length: count }, () => new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`));
  return () => {
    for (const socket of sockets) socket.close();
  };
}

async function end(child: Program): Promise<void> {
  child.kill("SIGTERM");
  await child.ended;
}
