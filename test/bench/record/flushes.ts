import { openSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * How old the oldest record of each flush was when it was seen in the file, ms, sorted; up to twenty depth20 files of five minutes each,
 * looked at every 5 ms.
 */
export async function watchFlushes(
  { dataDir, symbols }: { dataDir: string; symbols: readonly string[] },
  forMs: number,
): Promise<number[]> {
  const delays: number[] = [];
  const files = new Map<string, { fd: number; size: number }>();
  const buffer = Buffer.alloc(64);
  const end = performance.now() + forMs;
  while (performance.now() < end) {
    const now = new Date();
    const minutes = Math.floor(now.getUTCMinutes() / 5) * 5;
    const name = `${String(now.getUTCHours()).padStart(2, "0")}-${String(minutes).padStart(2, "0")}.jsonl`;
    for (const symbol of symbols.slice(0, 20)) {
      const day = `stream=depth20/symbol=${symbol}/date=${now.toISOString().slice(0, 10)}`;
      const path = join(dataDir, "live", day, name);
      const size = statSync(path, { throwIfNoEntry: false })?.size;
      if (size === undefined) continue;
      const known = files.get(path);
      if (known === undefined) files.set(path, { fd: openSync(path, "r"), size });
      else if (size > known.size) {
        readSync(known.fd, buffer, 0, 64, known.size);
        const recvUs = Number(/"recv_us":(\d+)/.exec(buffer.toString("latin1"))?.[1]);
        if (Number.isFinite(recvUs)) delays.push(Date.now() - recvUs / 1000);
        known.size = size;
      }
    }
    await Bun.sleep(5);
  }
  return delays.sort((a, b) => a - b);
}
