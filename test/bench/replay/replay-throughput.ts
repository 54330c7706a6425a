/**
 * `bun test/bench/replay/replay-throughput.ts [rounds]`: messages per second of `rt-data replay --speed max` into a client that discards
 * them, as a ratio to a bare Bun server that sends prepared strings; in turn, so that both meet the same machine.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";
import { silentLog } from "../../../server/platform/log/log.ts";
import { createRecorder } from "../../../server/recorder/write/recorder.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import { median } from "../cpu.ts";

const rounds = Number(process.argv[2] ?? 3);
const symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT"];
const types = ["depth20@100ms", "aggTrade"];
const names = symbols.flatMap((symbol) => types.map((type) => `${symbol.toLowerCase()}@${type}`));
const minutes = 180;
const folder = mkdtempSync(join(tmpdir(), "rt-data-throughput-"));
const main = join(import.meta.dir, "../../../server/main.ts");

try {
  const { messages, frames } = await writeRecording(join(folder, "data"));
  writeFileSync(join(folder, "frames"), frames.join("\n"));
  console.log(
    `${messages} messages of depth20@100ms and aggTrade, ${symbols.length} symbols, plain segments; ${rounds} rounds\n`,
  );
  const repeats = Math.max(1, Math.round(messages / frames.length));
  const floors: number[] = [];
  const replays: number[] = [];
  for (let round = 0; round < rounds; round++) {
    floors.push(await measure(["test/bench/prepared.ts", join(folder, "frames"), String(repeats)], /^(\d+)$/m));
    replays.push(
      await measure(
        [main, "replay", "--data", join(folder, "data"), "--speed", "max", "--port", "0"],
        /WebSocket: ws:.*:(\d+)\//,
      ),
    );
  }
  const ratios = replays.map((replay, n) => replay / (floors[n] ?? Number.NaN));
  const show = (values: number[], digits: number) =>
    `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
  console.log("| bare server, messages/s | replay, messages/s | ratio (min–max) | goal |\n|---|---|---|---|");
  console.log(`| ${show(floors, 0)} | ${show(replays, 0)} | ${show(ratios, 2)} | ≥ 0.5 |`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Three hours of the invented market, written by the recorder; and the first frames of it as they go over the wire. */
async function writeRecording(dataDir: string): Promise<{ messages: number; frames: string[] }> {
  const endMs = Date.parse("2026-11-22T15:00:00Z");
  const startMs = endMs - minutes * 60_000;
  const market = createSyntheticMarket({ symbols, seed: 1, startMs });
  const wanted = new Map<string, Stream>();
  for (const name of names) wanted.set(name, parseStreamName(name) as Stream);
  let recvUs = 0;
  let messages = 0;
  const frames: string[] = [];
  const recorder = createRecorder(
    { dataDir, segmentMinutes: 60, flushRecords: 1000, flushMs: 60_000, sync: "never" },
    { nowUs: () => recvUs, onClosed: () => {}, onDropped: () => {}, onLost: () => {}, log: silentLog },
  );
  for (let atMs = startMs; atMs < endMs; atMs += 100) {
    recvUs = (atMs + 12) * 1000;
    for (const { stream, payload } of market.tick(atMs, (name) => wanted.has(name))) {
      const known = wanted.get(stream);
      if (known === undefined) continue;
      recorder.writer(known).append(payload, recvUs, 12);
      messages++;
      if (frames.length < 50_000) frames.push(`{"stream":"${stream}","data":${payload}}`);
    }
    if ((atMs / 100) % 100 === 0) await Bun.sleep(0);
  }
  await recorder.stop();
  return { messages, frames };
}

/** Starts the server, lets a client of its own process read it to the end; messages per second. */
async function measure(words: readonly string[], port: RegExp): Promise<number> {
  const server = Bun.spawn([process.execPath, ...words], { stdout: "pipe", stderr: "ignore", env: {} });
  let printed = "";
  for await (const chunk of server.stdout) {
    printed += new TextDecoder().decode(chunk);
    if (port.test(printed)) break;
  }
  const url = `ws://127.0.0.1:${port.exec(printed)?.[1]}/stream?streams=${names.join("/")}`;
  const client = Bun.spawn([process.execPath, join(import.meta.dir, "../discard.ts"), url], { stdout: "pipe" });
  const { messages, seconds } = JSON.parse(await new Response(client.stdout).text());
  await server.exited;
  return messages / seconds;
}
