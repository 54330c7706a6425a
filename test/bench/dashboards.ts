/**
 * `bun test/bench/dashboards.ts [seconds]`: whether 200 dashboards, 20 of which never read, cost the recording anything: how long after
 * its receipt the oldest record of a flush is in the file, without and with them in turn, in one recorder of 300 symbols at
 * 3,000 messages/s. Everything runs on the same cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Status } from "../../server/status.ts";
import { residentBytes } from "./cpu.ts";
import { watchFlushes } from "./flushes.ts";

const seconds = Number(process.argv[2] ?? 90);
const quietSeconds = Math.min(seconds, 40);
const rate = 3000;
const symbols = Array.from({ length: 300 }, (_, n) => `SYM${String(n).padStart(2, "0")}USDT`);
const [readers, deaf] = [180, 20];
const here = import.meta.dir;
const folder = mkdtempSync(join(tmpdir(), "rt-data-dashboards-"));
const dataDir = join(folder, "data");

const sender = spawn([join(here, "sender.ts"), String(rate), String(symbols.length)]);
const port = (await firstLine(sender.stdout)).trim();
const recorder = spawn([join(here, "../../server/main.ts"), "record", "--port", "0", "--data-dir", dataDir], {
  RT_DATA_EXCHANGE_WS_URL: `ws://127.0.0.1:${port}`,
  RT_DATA_EXCHANGE_REST_URL: `http://127.0.0.1:${port}`,
  RT_DATA_RECORD_SYMBOLS: symbols.join(","),
  RT_DATA_RECORD_STREAMS: "depth20@100ms",
  RT_DATA_LOG_FORMAT: "json",
});
let said = "";
void collect(recorder.stderr);
const url = /Dashboard: (http:\S+)\/dashboard/.exec(await firstLine(recorder.stdout))?.[1] ?? "";

try {
  await Bun.sleep(8000);
  console.log(`300 symbols, ${rate} messages/s; ${readers} dashboards that read and ${deaf} that never do\n`);
  console.log("| dashboards | flushes seen | flush delay p50 / p99 / most, ms | dropped | records/s | memory, MB |");
  console.log("|---|---|---|---|---|---|");
  const p99: Record<"without" | "with", number[]> = { without: [], with: [] };
  for (let round = 0; round < 2; round++) {
    p99.without.push(await phase(0, quietSeconds));
    const leave = await enter();
    p99.with.push(await phase(readers + deaf, seconds));
    leave();
    await Bun.sleep(2000);
  }
  const ratios = p99.with.map((value, n) => value / (p99.without[n] ?? Number.NaN));
  console.log(`\np99 with / without: ${ratios.map((ratio) => ratio.toFixed(3)).join(", ")} (goal: 1, no change)`);
} finally {
  recorder.kill("SIGTERM");
  await recorder.exited;
  sender.kill();
  await sender.exited;
  rmSync(folder, { recursive: true, force: true });
}

async function phase(dashboards: number, forSeconds: number): Promise<number> {
  const droppedBefore = dropped();
  const before = { records: await records(), at: performance.now() };
  const delays = await watchFlushes({ dataDir, symbols }, forSeconds * 1000);
  const perSecond = ((await records()) - before.records) / ((performance.now() - before.at) / 1000);
  const quantile = (q: number) => delays[Math.floor(q * (delays.length - 1))] ?? Number.NaN;
  const memory = residentBytes(recorder.pid) / 1e6;
  const figures = [0.5, 0.99, 1].map((q) => quantile(q).toFixed(0)).join(" / ");
  console.log(
    `| ${dashboards} | ${delays.length} | ${figures} | ${dropped() - droppedBefore} | ${perSecond.toFixed(0)} | ${memory.toFixed(0)} |`,
  );
  return quantile(0.99);
}

async function enter(): Promise<() => void> {
  const { hostname, port: at } = new URL(url);
  const reading = Array.from({ length: readers }, () => new WebSocket(`${url.replace("http", "ws")}/ws/dashboard`));
  const silent = Array.from({ length: deaf }, () => {
    const socket = connect(Number(at), hostname, () => {
      socket.write(
        "GET /ws/dashboard HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
    });
    socket.once("data", () => socket.pause());
    socket.on("error", () => {});
    return socket;
  });
  await Promise.all(reading.map((socket) => new Promise((resolve) => socket.addEventListener("open", resolve))));
  return () => {
    for (const socket of reading) socket.close();
    for (const socket of silent) socket.destroy();
  };
}

async function records(): Promise<number> {
  return ((await (await fetch(`${url}/api/status`)).json()) as Status).totals.records;
}

function dropped(): number {
  return said.split("dropped a dashboard").length - 1;
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) said += decoder.decode(chunk, { stream: true });
}

function spawn(words: readonly string[], environment: Record<string, string> = {}) {
  return Bun.spawn([process.execPath, ...words], {
    env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (/\n/.test(text) && !/demo|RT-Data:/.test(text.split("\n")[0] ?? "")) break;
  }
  return text;
}
