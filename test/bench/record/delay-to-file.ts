/**
 * `bun delay-to-file.ts [seconds]`: how long after its receipt the oldest record of each flush is in the file, at 3,000 messages/s with the
 * default flush (100 records or 1 s) and rotation each minute; prints JSON. Looks at each file every 2 ms, which counts as delay.
 */
import { closeSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { openDashboards, startRecorder, startSender, symbolNames } from "../processes.ts";
import { quantile } from "../table.ts";

const seconds = Number(process.argv[2] ?? 60);
const sender = await startSender(3000);
const recorder = await startRecorder(sender, { symbols: 15, segmentMinutes: 1 });
const close = openDashboards(recorder.url, 1);
await Bun.sleep(8000);
const delays = await watch(seconds * 1000);
close();
await recorder.stop();
await sender.stop();
const figures = Object.fromEntries([0.5, 0.99, 0.999, 1].map((share) => [share, quantile(delays, share)]));
console.log(JSON.stringify({ flushes: delays.length, figures }));
process.exit(0);

async function watch(forMs: number): Promise<number[]> {
  const found: number[] = [];
  const open = new Map<string, { path: string; fd: number; size: number }>();
  const buffer = Buffer.alloc(64);
  const end = performance.now() + forMs;
  const folders = symbolNames(15).map((symbol) => join(recorder.dataDir, "live/stream=depth20", `symbol=${symbol}`));
  for (let look = 0; performance.now() < end; look++) {
    if (look % 50 === 0) follow(folders, open);
    for (const file of open.values()) {
      const size = statSync(file.path, { throwIfNoEntry: false })?.size ?? file.size;
      if (size <= file.size) continue;
      readSync(file.fd, buffer, 0, 64, file.size);
      const recvUs = Number(/"recv_us":(\d+)/.exec(buffer.toString("latin1"))?.[1]);
      if (Number.isFinite(recvUs) && file.size > 0) found.push(Date.now() - recvUs / 1000);
      file.size = size;
    }
    await Bun.sleep(2);
  }
  return found;
}

/** New segments are followed from where they are; those that are gone are let go. */
function follow(folders: readonly string[], open: Map<string, { path: string; fd: number; size: number }>) {
  for (const folder of folders) {
    for (const date of readdirSync(folder)) {
      for (const name of readdirSync(join(folder, date))) {
        const path = join(folder, date, name);
        if (!name.endsWith(".jsonl") || open.has(path)) continue;
        open.set(path, { path, fd: openSync(path, "r"), size: statSync(path).size });
      }
    }
  }
  for (const [key, { path, fd }] of open) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) continue;
    closeSync(fd);
    open.delete(key);
  }
}
