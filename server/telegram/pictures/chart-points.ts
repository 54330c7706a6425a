import { dateOf, dayUs } from "../../domain/day.ts";
import type { StreamFolder } from "../../domain/stream.ts";
import { codeOf } from "../../platform/errors.ts";
import type { RecordedFile } from "../../storage/list/day-files.ts";
import { streamsOfDay } from "../../storage/list/listing.ts";
import { type LineReader, openLines } from "../../storage/read/line-reader.ts";

/** What a chart shows of one moment. */
export type ChartPoint = {
  readonly atUs: number;
  /** Best prices as recorded; equal where the stream knows only the price of a trade. */
  readonly bid: string;
  readonly ask: string;
  readonly delayMs: number | null;
};

/** Of which stream of which symbol, and of what time, so many points are wanted. */
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
 * Reads the first record of each of equally long parts of the time from the recorded files, open ones included. Files that cannot
 * be read leave a hole. Where the next file begins before the next part does, the rest of a file is passed over.
 */
export async function readChartPoints(query: ChartQuery): Promise<readonly ChartPoint[]> {
  const found: ChartPoint[] = [];
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
          // `{"recv_us":` and sixteen digits: most lines are passed over without looking further.
          const recvUs = Number(lines.text.slice(lines.from + 11, lines.from + 27));
          if (!(recvUs >= dueUs)) continue;
          if (recvUs >= query.toUs) break reading;
          const point = pointOf(lines.text.slice(lines.from, lines.to), recvUs);
          if (point === null) continue;
          found.push(point);
          dueUs = query.fromUs + (Math.floor((recvUs - query.fromUs) / part) + 1) * part;
          if (nextStartUs <= dueUs) break reading;
        }
      } while (await lines.fill());
    } catch {
      // A torn or vanished file is a hole in the picture, and told of by those whose job it is.
    } finally {
      lines.close();
    }
  }
  return found;
}

function filesOf({ dataDir, symbol, stream, fromUs, toUs }: ChartQuery): readonly RecordedFile[] {
  const files: RecordedFile[] = [];
  for (let dayStart = fromUs - (fromUs % dayUs); dayStart < toUs; dayStart += dayUs)
    files.push(...streamsOfDay(dataDir, { stream, symbol, date: dateOf(dayStart) }).flatMap((track) => track.files));
  return files.sort((a, b) => a.startUs - b.startUs);
}

/** Wherever a recorder has put its lines meanwhile. */
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

/** Null for a line without a price on both sides. */
function pointOf(line: string, atUs: number): ChartPoint | null {
  const delay = delayPattern.exec(line)?.[1];
  for (const [bids, asks] of pricePatterns) {
    const [bid, ask] = [bids.exec(line)?.[1], asks.exec(line)?.[1]];
    if (bid !== undefined && ask !== undefined)
      return { atUs, bid, ask, delayMs: delay === undefined ? null : Number(delay) };
  }
  return null;
}
