import { join } from "node:path";
import { openCatalogue } from "../../catalogue/catalogue.ts";
import type { Config } from "../../config/config.ts";
import { dayStartUs } from "../../domain/day.ts";
import { parseStreamName, type Stream } from "../../domain/stream.ts";
import { existsSync } from "../../platform/files/files.ts";
import { silentLog } from "../../platform/log/log.ts";
import { createRecorder } from "../../recorder/write/recorder.ts";
import type { SyntheticMarket } from "../../simulator/market/synthetic-market.ts";

/** Length of the simulated end of yesterday, ms. */
const spanMs = 10 * 60_000;
const tickMs = 100;

/** Simulated delay between the exchange's tick and its receipt, ms. */
const delayMs = 12;

/**
 * Writes the last minutes of yesterday into a new demo folder, so that there is a day to merge at once. The recorder itself writes them.
 * Call it before the market starts: its ids continue from here, so no id is missing. Does nothing if the folder has data already.
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
      if (stream !== undefined) recorder.writer(stream).append(event.payload, recvUs, delayMs);
    }
    // Yields now and then, so that signals and the first page request are handled.
    if ((atMs / tickMs) % 300 === 0) await Bun.sleep(0);
  }
  await recorder.stop();
  const catalogue = openCatalogue(record.data_dir);
  catalogue.beginRun(recvUs);
  catalogue.saveRun(recvUs, true);
  catalogue.close();
}
