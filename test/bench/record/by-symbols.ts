/**
 * `bun by-symbols.ts [minutes] [symbols …]`: CPU and memory of the recorder against the number of symbols, 2 streams each of the invented
 * market, rotating each minute, a dashboard open; prints JSON. A part of a minute, for a look, has a rotation in it or not.
 */
import { cpuUs, residentBytes } from "../cpu.ts";
import { openDashboards, startMarket, startRecorder } from "../processes.ts";

const [minutes = 1, ...wanted] = process.argv.slice(2).map(Number);
const counts = wanted.length > 0 ? wanted : [3, 15, 100, 300, 600, 1000];
const found: { symbols: number; perSecond: number; cpuPerSecond: number; memory: number; most: number }[] = [];
for (const symbols of counts) {
  const market = await startMarket(symbols);
  const recorder = await startRecorder(market, { symbols, streams: "depth20@100ms,aggTrade", segmentMinutes: 1 });
  const close = openDashboards(recorder.url, 1);
  await Bun.sleep(15_000);
  if (minutes >= 1) await Bun.sleep(untilSecond(20));
  const before = { records: (await recorder.status()).totals.records, cpu: cpuUs(recorder.pid), at: performance.now() };
  const memory: number[] = [];
  while (performance.now() - before.at < minutes * 60_000) {
    await Bun.sleep(1000);
    memory.push(residentBytes(recorder.pid) / 1e6);
  }
  const took = (performance.now() - before.at) / 1000;
  const records = (await recorder.status()).totals.records - before.records;
  found.push({
    symbols,
    perSecond: records / took,
    cpuPerSecond: (cpuUs(recorder.pid) - before.cpu) / took / 1e6,
    memory: memory.toSorted((a, b) => a - b)[memory.length >> 1] ?? 0,
    most: Math.max(...memory),
  });
  close();
  await recorder.stop();
  await market.stop();
  console.error(JSON.stringify(found.at(-1)));
}
console.log(JSON.stringify(found));
process.exit(0);

/** ms until the clock shows this second of a minute: whole minutes from then on hold as many rotations, each with its sealing. */
function untilSecond(second: number): number {
  return (60_000 + second * 1000 - (Date.now() % 60_000)) % 60_000;
}
