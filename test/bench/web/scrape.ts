/**
 * What a scrape of /metrics costs with 300 symbols × 2 streams, by the recorder's own account: `bun test/bench/web/scrape.ts [SYMBOLS] [SCRAPES]`.
 * Each figure is the median (min–max) over the scrapes, one a second.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rtData, start } from "../../support/program.ts";

const symbolCount = Number(process.argv[2] ?? 300);
const scrapes = Number(process.argv[3] ?? 30);
const folder = mkdtempSync(join(tmpdir(), "rt-data-scrape-"));
const symbols = Array.from({ length: symbolCount }, (_, n) => `S${String(n).padStart(3, "0")}USDT`);
const program = start([...rtData, "demo", "--port", "0", "--symbols", symbols.join(","), "--data-dir", folder]);

try {
  const url = await program.url();
  const costs: number[] = [];
  const waits: number[] = [];
  let bytes = 0;
  let samples = 0;
  for (let n = 0; n <= scrapes; n++) {
    await Bun.sleep(1050);
    const startMs = performance.now();
    const text = await (await fetch(`${url}/metrics`)).text();
    waits.push(performance.now() - startMs);
    const cost = /^rt_data_scrape_duration_seconds (\S+)$/m.exec(text)?.[1];
    if (cost !== undefined) costs.push(Number(cost) * 1000);
    bytes = text.length;
    samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  }
  console.log(`${symbolCount} symbols: ${samples} samples, ${(bytes / 1024).toFixed(0)} KiB`);
  console.log(`main thread, ms: ${spread(costs)}; request to answer, ms: ${spread(waits)}`);
} finally {
  program.kill("SIGTERM");
  await program.ended;
  rmSync(folder, { recursive: true, force: true });
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  return `${at(0.5)} (${at(0)}–${at(1)})`;
}
