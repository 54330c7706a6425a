/**
 * `bun test/bench/web/dashboards.ts [seconds]`: whether 200 dashboards, 20 of which never read, cost the recording anything: how long after
 * its receipt the oldest record of a flush is in the file, without and with them in turn, in one recorder of 300 symbols at
 * 3,000 messages/s. Everything runs on the same cores.
 */
import { connect } from "node:net";
import { residentBytes } from "../cpu.ts";
import { startRecorder, startSender, symbolNames } from "../processes.ts";
import { watchFlushes } from "../record/flushes.ts";

const seconds = Number(process.argv[2] ?? 90);
const quietSeconds = Math.min(seconds, 40);
const rate = 3000;
const symbols = symbolNames(300);
const [readers, deaf] = [180, 20];
const sender = await startSender(rate, symbols.length);
const recorder = await startRecorder(sender, { symbols: symbols.length, env: { RT_DATA_LOG_FORMAT: "json" } });
const { url, dataDir } = recorder;

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
  await recorder.stop();
  await sender.stop();
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
  return (await recorder.status()).totals.records;
}

function dropped(): number {
  return recorder.errors().split("dropped a dashboard").length - 1;
}
