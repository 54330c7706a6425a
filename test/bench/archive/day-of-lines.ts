import { mkdirSync, writeFileSync } from "node:fs";
import { type Day, dateStartUs, dayUs, liveFolder, segmentPath, windowOf } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";

/**
 * Writes a day of depth20 lines of the invented market, about this many raw bytes, as the sealed segments of five minutes that a
 * recorder leaves. Resolves with the rows and the raw bytes.
 */
export async function writeDayOfLines(
  dataDir: string,
  day: Day,
  rawBytes: number,
): Promise<{ rows: number; bytes: number }> {
  const bytesOfLine = 1373;
  const count = Math.ceil(rawBytes / bytesOfLine);
  const market = createSyntheticMarket({ symbols: [day.symbol], seed: 7, startMs: 0 });
  const wanted = (name: string) => name.endsWith("@depth20@100ms");
  mkdirSync(liveFolder(dataDir, day), { recursive: true });
  const startUs = dateStartUs(day.date);
  let name = "";
  let text = "";
  let rows = 0;
  let bytes = 0;

  function seal(): void {
    if (text === "") return;
    bytes += text.length;
    writeFileSync(segmentPath(dataDir, { ...day, name }, "sealed"), Bun.zstdCompressSync(text, { level: 1 }));
    text = "";
  }

  for (let atMs = 0; rows < count; atMs += 100) {
    for (const { payload } of market.tick(atMs, wanted)) {
      const recvUs = Math.min(startUs + dayUs - 1, startUs + Math.floor((rows / count) * dayUs));
      const window = windowOf(recvUs, 5).name;
      if (window !== name) seal();
      name = window;
      text += encodeLine(payload, recvUs, 100 + (rows % 7));
      rows++;
    }
    if ((atMs / 100) % 500 === 0) await Bun.sleep(0);
  }
  seal();
  return { rows, bytes };
}
