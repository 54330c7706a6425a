import { expect, test } from "bun:test";
import { mkdirSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { segmentPath } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";
import { recover } from "../../../server/recorder/recover/recovery.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { peakOf } from "../../support/machine/peak-memory.ts";

const gibibyte = 1024 ** 3;
const day = { stream: "aggTrade", symbol: "BTCUSDT", date: "2026-11-22" };
const line = encodeLine('{"e":"aggTrade","a":1}', Date.parse("2026-11-22T12:00:00Z") * 1000, 5);

/** One zstd frame of some kilobytes that unpacks to two gibibytes: of NULs, or of a line of ours again and again. */
function bomb(kind: "nulls" | "lines"): Buffer {
  const piece = Buffer.from(kind === "nulls" ? "\0".repeat(1024 * 1024) : line.repeat(12_000));
  // Compressed as one stream, without holding it.
  const all = Buffer.alloc(512 * 1024 * 1024);
  for (let at = 0; at + piece.length <= all.length; at += piece.length) piece.copy(all, at);
  return zstdCompressSync(all.subarray(0, Math.floor(all.length / piece.length) * piece.length));
}

for (const kind of ["nulls", "lines"] as const) {
  test(`a segment of a past day that unpacks to ${kind} without end needs bounded memory, for every reader`, async () => {
    const dataDir = temporaryFolder();
    const path = segmentPath(dataDir, { ...day, name: "12-00" }, "sealed");
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bomb(kind));
    expect(statSync(path).size).toBeLessThan(1024 * 1024);
    const readers: Record<string, string> = {
      merge: `
        import { mergeDay } from "./server/archive/merge/merge-day.ts";
        import { openLinesSync } from "./server/storage/read/line-reader-sync.ts";
        const source = openLinesSync("${path}");
        try { while (source.fill()) source.from = source.to; } catch (error) { console.log(error.message); }`,
      verify: `
        import { readLineBytes } from "./server/storage/read/archive-reader.ts";
        let bytes = 0;
        try { for await (const lines of readLineBytes("${path}")) bytes += lines.length; } catch (error) { console.log(error.message); }`,
      holes: `
        import { lastLiveUs } from "./server/storage/ids/live-ids.ts";
        const late = Bun.sleep(3000);
        await Promise.race([lastLiveUs("${dataDir}", ${JSON.stringify(day)}), late]);`,
    };
    for (const [name, script] of Object.entries(readers)) {
      const { megabytes } = await peakOf(script.replace(/^\s*import \{ mergeDay.*$/m, ""));
      console.log(`most memory of ${name} with a bomb of ${kind}: ${megabytes} MB`);
      expect([name, megabytes < 350]).toEqual([name, true]);
    }
  }, 120_000);
}

test("a huge segment without a newline is moved to quarantine at once, in bounded memory", async () => {
  const dataDir = temporaryFolder();
  const path = segmentPath(dataDir, { ...day, name: "12-00" }, "open");
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, "w");
  writeSync(fd, line);
  // A hole in the file, as a file that was cut while it was written to has it.
  writeSync(fd, "x", 3 * gibibyte);
  const began = performance.now();
  const { repairs, orphans } = await recover(dataDir);
  expect(performance.now() - began).toBeLessThan(10_000);
  expect([repairs.map((repair) => repair.kind), orphans]).toEqual([["set_aside"], []]);
  expect(repairs[0]?.keptAt).toStartWith(join(dataDir, "quarantine"));
}, 60_000);
