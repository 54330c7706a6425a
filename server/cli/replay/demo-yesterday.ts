import { join } from "node:path";
import { openCatalogue } from "../../catalogue/catalogue.ts";
import type { Config } from "../../config/config.ts";
import { dayStartUs } from "../../domain/day.ts";
import { parseStreamName, type Stream } from "../../domain/stream.ts";
import { existsSync } from "../../platform/files/files.ts";
import { silentLog } from "../../platform/log/log.ts";
import { createRecorder } from "../../recorder/write/recorder.ts";
import type { SyntheticMarket } from "../../simulator/market/synthetic-market.ts";

/** How much of yesterday is invented, ms: its last minutes. */
const spanMs = 10 * 60_000;
const tickMs = 100;

/** Delay between the exchange's tick and our receipt that the invented past pretends to, ms. */
const delayMs = 12;

/**
 * Gives a new demo folder the end of a yesterday, written by the recorder itself as if it had been there, so that the day
 * merge has something to do at once. The market must not have been started; its ids go on from there, so that nothing happened while
 * nobody recorded. A folder that holds anything already is left alone.
 */
export async function writeYesterday(config: Config, market: Pick<SyntheticMarket, "tick">): Promise<void> {
  const { record } = config;
  if (existsSync(join(record.data_dir, "live")) || existsSync(join(record.data_dir, "archive"))) return;
  const midnightMs = dayStartUs(Date.now() * 1000) / 1000;
  const wanted = new Map<string, Stream>();
  for (const symbol of record.symbols) {
    for (const type of record.streams) {
      const stream = parseStreamName(`${symbol.toLowerCase()}@${type.name}`);
      if (stream !== null) wanted.set(stream.name, stream);
    }
  }
  let recvUs = 0;
  const recorder = createRecorder(
    {
      dataDir: record.data_dir,
      segmentMinutes: record.segment_minutes,
      flushRecords: 1000,
      flushMs: 60_000,
      sync: "never",
    },
    { nowUs: () => recvUs, onClosed: () => {}, onDropped: () => {}, onLost: () => {}, log: silentLog },
  );
  for (let atMs = midnightMs - spanMs; atMs + delayMs < midnightMs; atMs += tickMs) {
    recvUs = (atMs + delayMs) * 1000;
    for (const event of market.tick(atMs, (name) => wanted.has(name))) {
      const stream = wanted.get(event.stream);
      if (stream !== undefined) recorder.track(stream).append(event.payload, recvUs, delayMs);
    }
    // A breath now and then keeps signals and the first page request alive.
    if ((atMs / tickMs) % 300 === 0) await Bun.sleep(0);
  }
  await recorder.stop();
  const catalogue = openCatalogue(record.data_dir);
  catalogue.beginRun(recvUs);
  catalogue.saveRun(recvUs, true);
  catalogue.close();
}
