import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { archivePath, dateOf, manifestPath, type Segment, segmentPath, windowOf } from "../../../server/domain/day.ts";
import { encodeLine } from "../../../server/domain/line.ts";

/** µs of a time of 2026-11-22, or of another day. */
export function at(time: string, date = "2026-11-22"): number {
  return Date.parse(`${date}T${time}Z`) * 1000;
}

/** One line of a recording. */
export type Row = readonly [recvUs: number, payload: string];

export const book = (id: number) => `{"lastUpdateId":${id},"bids":[["10.00000000","${id}.00000000"]],"asks":[]}`;
export const trade = (id: number, timeMs: number) =>
  `{"e":"aggTrade","E":${timeMs},"s":"BTCUSDT","a":${id},"p":"10.00000000","q":"1.00000000","f":${id},"l":${id},"T":${timeMs - 1},"m":true,"M":true}`;
export const diff = (id: number, timeMs: number) =>
  `{"e":"depthUpdate","E":${timeMs},"s":"BTCUSDT","U":${id},"u":${id},"b":[["11.00000000","${id}.00000000"]],"a":[]}`;

/** Evenly spaced rows. */
export function rows(
  fromUs: number,
  count: number,
  everyMs: number,
  payload: (n: number, recvUs: number) => string,
): Row[] {
  return Array.from({ length: count }, (_, n) => {
    const recvUs = fromUs + n * everyMs * 1000;
    return [recvUs, payload(n, recvUs)];
  });
}

export function linesOf(content: readonly Row[]): string {
  return content.map(([recvUs, payload]) => encodeLine(payload, recvUs, 5)).join("");
}

/** Writes a file and its folders. */
export function write(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Writes segments of five minutes as the recorder would; returns their paths. */
export function writeSegments(
  folder: string,
  stream: string,
  content: readonly Row[],
  state: "open" | "sealed" = "open",
  symbol = "BTCUSDT",
): string[] {
  const windows = new Map<string, { segment: Segment; rows: Row[] }>();
  for (const row of content) {
    const { name, startUs } = windowOf(row[0], 5);
    const window: { segment: Segment; rows: Row[] } = windows.get(String(startUs)) ?? {
      segment: { stream, symbol, date: dateOf(row[0]), name },
      rows: [],
    };
    windows.set(String(startUs), window);
    window.rows.push(row);
  }
  return [...windows.values()].map((window) => {
    const text = linesOf(window.rows);
    return write(segmentPath(folder, window.segment, state), state === "open" ? text : zstdCompressSync(text));
  });
}

/** Writes a merged day: archive and as much of a manifest as a reader needs. */
export function writeArchive(
  folder: string,
  stream: string,
  content: readonly Row[],
  more: { gaps?: readonly object[]; segments?: readonly string[] } = {},
): string {
  const day = { stream, symbol: "BTCUSDT", date: dateOf(content[0]?.[0] ?? 0) };
  const packed = zstdCompressSync(linesOf(content));
  const manifest = {
    ...day,
    gaps: [],
    segments: [],
    compressed_bytes: packed.length,
    last_recv_us: content.at(-1)?.[0],
    ...more,
  };
  write(manifestPath(folder, day), JSON.stringify(manifest));
  return write(archivePath(folder, day), packed);
}
