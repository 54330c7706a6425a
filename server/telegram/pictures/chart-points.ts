import { dateOf, dayUs } from "../../domain/day.ts";
import type { StreamFolder } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import type { RecordedFile } from "../../storage/list/day-files.ts";
import { streamsOfDay } from "../../storage/list/listing.ts";
import { type LineReader, openLines } from "../../storage/read/line-reader.ts";

/** A point of a chart. */
export type ChartPoint = {
  readonly atUs: number;
  /** Best prices as recorded; equal if the stream has only trade prices. */
  readonly bid: string;
  readonly ask: string;
  readonly delayMs: number | null;
};

/** The wanted points: symbol, stream, time span and number. */
export type ChartQuery = {
  readonly dataDir: string;
  readonly symbol: string;
  /** Folder name of the stream. */
  readonly stream: StreamFolder;
  readonly fromUs: number;
  readonly toUs: number;
  readonly points: number;
};

/**
 * Reads the points from recorded files, open files included: the first record of each part of the time span. Unreadable files leave
 * a gap in the chart. The rest of a file is skipped if the next file begins before the next part.
 */
export async function readChartPoints(query: ChartQuery): Promise<readonly ChartPoint[]> {
  const points: ChartPoint[] = [];
  const files = filesOf(query);
  const part = (query.toUs - query.fromUs) / query.points;
  let dueUs = query.fromUs;
  for (const [n, file] of files.entries()) {
    const nextStartUs = files[n + 1]?.startUs ?? Number.POSITIVE_INFINITY;
    if (nextStartUs <= dueUs) continue;
    if (file.startUs >= query.toUs) break;
    const lines = open(file);
    if (lines === null) continue;
    try {
      reading: do {
        while (lines.next()) {
          // A line starts with `{"recv_us":` and sixteen digits. Most lines are skipped without parsing the rest.
          const recvUs = Number(lines.text.slice(lines.from + 11, lines.from + 27));
          if (!(recvUs >= dueUs)) continue;
          if (recvUs >= query.toUs) break reading;
          const point = pointOf(lines.text.slice(lines.from, lines.to), recvUs);
          if (point === null) continue;
          points.push(point);
          dueUs = query.fromUs + (Math.floor((recvUs - query.fromUs) / part) + 1) * part;
          if (nextStartUs <= dueUs) break reading;
        }
      } while (await lines.fill());
    } catch {
      // A torn or vanished file leaves a gap in the chart. Archive and recovery report it.
    } finally {
      lines.close();
    }
  }
  return points;
}

function filesOf({ dataDir, symbol, stream, fromUs, toUs }: ChartQuery): readonly RecordedFile[] {
  const files: RecordedFile[] = [];
  for (let dayStart = fromUs - (fromUs % dayUs); dayStart < toUs; dayStart += dayUs)
    files.push(...streamsOfDay(dataDir, { stream, symbol, date: dateOf(dayStart) }).flatMap((track) => track.files));
  return files.sort((a, b) => a.startUs - b.startUs);
}

/** Opens a file at its current place: the recorder may have sealed or merged it. Null if it is gone. */
function open(file: RecordedFile): LineReader | null {
  for (const path of [file.path, file.sealed, file.merged]) {
    if (path === null) continue;
    try {
      return openLines(path, "latin1");
    } catch (error) {
      if (codeOf(error) !== "ENOENT") return null;
    }
  }
  return null;
}

const delayPattern = /^\{"recv_us":\d{1,16},"net_delay_ms":(-?\d+(?:\.\d+)?)/;
const pricePatterns: readonly (readonly [bid: RegExp, ask: RegExp])[] = [
  [/"bids":\[\["([\d.]+)"/, /"asks":\[\["([\d.]+)"/],
  [/"b":"([\d.]+)"/, /"a":"([\d.]+)"/],
  [/"p":"([\d.]+)"/, /"p":"([\d.]+)"/],
];

/** Parses a line; null if it has no price on both sides. */
function pointOf(line: string, atUs: number): ChartPoint | null {
  const delay = delayPattern.exec(line)?.[1];
  for (const [bids, asks] of pricePatterns) {
    const [bid, ask] = [bids.exec(line)?.[1], asks.exec(line)?.[1]];
    if (bid !== undefined && ask !== undefined)
      return { atUs, bid, ask, delayMs: delay === undefined ? null : Number(delay) };
  }
  return null;
}
