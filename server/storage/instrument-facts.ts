import { join } from "node:path";
import { archivePath, type Day, liveFolder } from "../domain/day.ts";
import { decodeLine } from "../domain/line.ts";
import { exchangeInfo } from "../domain/stream.ts";
import { type Instrument, instrumentOf } from "../domain/symbols/instrument.ts";
import { datesOnDisk, segmentFiles } from "./list/listing.ts";
import { readManifest } from "./manifest.ts";
import { openLinesSync } from "./read/line-reader-sync.ts";

/** Returns a day's facts about its symbol: those of its manifest, otherwise the recorded facts in force then; null if unknown. */
export function instrumentOfDay(dataDir: string, day: Day): Instrument | null {
  try {
    const manifest = readManifest(dataDir, day);
    if (manifest !== null) return manifest.instrument ?? null;
  } catch {
    // `verify` reports a damaged manifest.
  }
  return recordedInstrument(dataDir, day);
}

/**
 * Reads the newest facts about a symbol that were received on a date or before; null if they are unknown. Reads a small file, more only
 * if it is damaged.
 */
export function recordedInstrument(dataDir: string, { symbol, date }: Omit<Day, "stream">): Instrument | null {
  const series = { stream: exchangeInfo.folder, symbol };
  const dates = datesOnDisk(dataDir, series).filter((stored) => stored <= date);
  for (const stored of dates.reverse()) {
    const instrument = newestOfDay(dataDir, { ...series, date: stored });
    if (instrument !== null) return instrument;
  }
  return null;
}

function newestOfDay(dataDir: string, day: Day): Instrument | null {
  const segments = segmentFiles(dataDir, day).map((name) => join(liveFolder(dataDir, day), name));
  let newest: { recvUs: number; instrument: Instrument } | null = null;
  for (const path of [archivePath(dataDir, day), ...segments]) {
    for (const line of linesOf(path)) {
      const decoded = decodeLine(line);
      if (decoded === null || decoded.recvUs < (newest?.recvUs ?? 0)) continue;
      const instrument = parsed(decoded.payload);
      if (instrument !== null) newest = { recvUs: decoded.recvUs, instrument };
    }
  }
  return newest?.instrument ?? null;
}

/** Reads the lines of a file of facts; as far as possible if it is damaged, sealed or merged meanwhile. */
function linesOf(path: string): string[] {
  const lines: string[] = [];
  try {
    const source = openLinesSync(path);
    try {
      while (source.fill()) {
        lines.push(...source.bytes.toString("utf8", source.from, source.to).split("\n"));
        source.from = source.to;
      }
    } finally {
      source.close();
    }
  } catch {
    // `verify` and the merge report damaged files.
  }
  return lines;
}

function parsed(payload: string): Instrument | null {
  try {
    return instrumentOf(JSON.parse(payload));
  } catch {
    return null;
  }
}
