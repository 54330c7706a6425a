import { type Day, dateOf, dateStartUs, dayUs } from "../domain/day.ts";
import type { IdRange } from "../domain/ids/id-ranges.ts";
import { decodeLine, recordId } from "../domain/line.ts";
import { streamTypeOfFolder } from "../domain/stream.ts";
import { receivedOf } from "../storage/list/first-record.ts";
import {
  listAndRead,
  type ReadFile,
  readStored,
  recvUsOf,
  storedDates,
  storedFiles,
} from "../storage/list/stored-lines.ts";
import { type Manifest, readManifest } from "../storage/manifest.ts";
import { readLineBytes } from "../storage/read/archive-reader.ts";
import { comparedText, type OfficialKind } from "./official-file.ts";
import { createRecordedTrades, type RecordedTrades } from "./recorded-trades.ts";

/** The recorded trades of a day. */
export type DayTrades = {
  readonly trades: RecordedTrades;
  /** Since when the stream had been recorded, µs; null if unknown. */
  readonly sinceUs: number | null;
  /** Adds the trades of other archived days that may hold some of these ids. False if there is no such day. */
  addOtherDays(ranges: readonly IdRange[]): Promise<boolean>;
};

/** A trade is recorded under the day of its receipt. Delay and clock move it over midnight by less than this, µs. */
const borderUs = 600e6;

/** Reads the trades of a day: those of its files, and those at the near ends of its neighbours. */
export async function readRecorded(
  day: Day,
  kind: OfficialKind,
  { dataDir, signal }: { readonly dataDir: string; readonly signal: AbortSignal },
): Promise<DayTrades> {
  const streamKind = streamTypeOfFolder(day.stream)?.kind ?? "trade";
  const startUs = dateStartUs(day.date);
  const dayAt = (us: number): Day => ({ ...day, date: dateOf(us) });
  const [before, after] = [dayAt(startUs - 1), dayAt(startUs + dayUs)];
  let trades = createRecordedTrades();
  await listAndRead(async (readFile) => {
    trades = createRecordedTrades();
    await addFiles(readFile, day, { fromUs: startUs, toUs: startUs + dayUs });
    await addFiles(readFile, after, { fromUs: startUs + dayUs, toUs: startUs + dayUs + borderUs });
    // The end of an archive cannot be read without its beginning; `addOtherDays` does so if trades are missing.
    if (manifestOf(before) === null) await addFiles(readFile, before, { fromUs: startUs - borderUs, toUs: startUs });
  });

  /** Adds the trades of a day's files whose receipts lie in the span. */
  async function addFiles(readFile: ReadFile, from: Day, span: { fromUs: number; toUs: number }): Promise<void> {
    for (const { path, window } of await storedFiles(dataDir, from)) {
      if (window !== null && windowUs(from, window) >= span.toUs) continue;
      for await (const bytes of readFile(path, readLineBytes)) {
        signal.throwIfAborted();
        if (recvUsOf(bytes, 0) >= span.toUs) break;
        for (const line of bytes.toString("latin1").split("\n")) addLine(line);
      }
    }
  }

  function addLine(line: string): void {
    const record = decodeLine(line);
    const id = record === null ? null : recordId(record.payload, streamKind);
    const values = record === null || id === null ? null : comparedText(kind, record.payload);
    if (id !== null && values !== null) trades.add(id, values.text, values, dateOf(values.timeUs) === day.date);
  }

  function manifestOf(of: Day): Manifest | null {
    try {
      return readManifest(dataDir, of);
    } catch {
      // `verify` reports a damaged manifest.
      return null;
    }
  }

  const manifest = manifestOf(day);
  return {
    get trades() {
      return trades;
    },
    sinceUs: manifest === null ? null : (receivedOf(manifest).sinceUs ?? null),
    async addOtherDays(ranges) {
      let hasAdded = false;
      for (const date of await storedDates(dataDir, day)) {
        const ids = date === day.date ? null : manifestOf({ ...day, date })?.ids;
        if (!ids || !ranges.some(({ first, last }) => first <= ids.highest && last >= ids.lowest)) continue;
        await addFiles(readStored, { ...day, date }, { fromUs: 0, toUs: Number.POSITIVE_INFINITY });
        hasAdded = true;
      }
      return hasAdded;
    },
  };
}

/** Returns the start of a segment's window, `HH-MM`, µs. */
function windowUs({ date }: Day, window: string): number {
  const [hours, minutes] = window.split("-").map(Number);
  return dateStartUs(date) + ((hours ?? 0) * 60 + (minutes ?? 0)) * 60e6;
}
