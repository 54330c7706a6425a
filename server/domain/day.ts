import { join } from "node:path";
import type { StreamFolder } from "./stream.ts";

/** The key of a data file's folder: one stream folder, one symbol, one UTC day. */
export type Day = {
  /** Folder name of the stream: `depth20`. */
  readonly stream: StreamFolder;
  readonly symbol: string;
  /** UTC date by `recv_us`: `2026-11-22`. */
  readonly date: string;
};

/** One segment file: the records of one time window of a day. */
export type Segment = Day & {
  /** Start of the window, `HH-MM` in UTC. A window that is opened again (restart, size limit) gets `HH-MM_02` and so on. */
  readonly name: string;
};

/** "sealed": compressed by a worker. "open": plain lines. */
export type SegmentState = "open" | "sealed";

const minuteUs = 60_000_000;
/** Length of a UTC day, µs. */
export const dayUs = 1440 * minuteUs;

/** Delay between midnight and the merge of a day, µs. The last segments of the day must be closed first. */
export const mergeAfterUs = 5_000_000;

/** Returns the start of the UTC day that contains a time, µs. */
export function dayStartUs(recvUs: number): number {
  return recvUs - (recvUs % dayUs);
}

/** Returns the UTC date of a time in µs: `2026-11-22`. */
export function dateOf(recvUs: number): string {
  return new Date(recvUs / 1000).toISOString().slice(0, 10);
}

/** Returns the start of a date, µs; NaN if the text is not a date. */
export function dateStartUs(date: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) * 1000 : Number.NaN;
}

/**
 * Returns the rotation window that contains a time.
 * Windows are counted from UTC midnight. The last window ends with the day, even if `minutes` does not divide the day.
 */
export function windowOf(recvUs: number, minutes: number): { startUs: number; endUs: number; name: string } {
  const dayStart = dayStartUs(recvUs);
  const length = minutes * minuteUs;
  const startUs = dayStart + Math.floor((recvUs - dayStart) / length) * length;
  const endUs = Math.min(startUs + length, dayStart + dayUs);
  return { startUs, endUs, name: new Date(startUs / 1000).toISOString().slice(11, 16).replace(":", "-") };
}

/** Returns the start of a segment's window, µs. */
export function windowStartUs({ date, name }: Segment): number {
  const [hours = 0, minutes = 0] = name.slice(0, 5).split("-").map(Number);
  return dateStartUs(date) + (hours * 60 + minutes) * minuteUs;
}

/** Returns the name of the n-th file of a window, n from 1. */
export function segmentName(windowName: string, n: number): string {
  return n === 1 ? windowName : `${windowName}_${String(n).padStart(2, "0")}`;
}

/** Returns the folder of a day's segments. */
export function liveFolder(dataDir: string, day: Day): string {
  return join(dataDir, "live", dayPath(day));
}

/** Returns the path of a segment: `.jsonl` while open, `.jsonl.zst` once sealed. */
export function segmentPath(dataDir: string, segment: Segment, state: SegmentState): string {
  return join(liveFolder(dataDir, segment), `${segment.name}.jsonl${state === "sealed" ? ".zst" : ""}`);
}

/** Returns the folder of a day's archive and manifest. */
export function archiveFolder(dataDir: string, day: Day): string {
  return join(dataDir, "archive", dayPath(day));
}

/** Returns the path of a day's archive. */
export function archivePath(dataDir: string, day: Day): string {
  return join(archiveFolder(dataDir, day), `${day.symbol}-${day.stream}-${day.date}.jsonl.zst`);
}

/** Returns the path of a day's manifest. The manifest is written last, so its presence means that the archive is complete. */
export function manifestPath(dataDir: string, day: Day): string {
  return join(archiveFolder(dataDir, day), `${day.symbol}-${day.stream}-${day.date}.manifest.json`);
}

/** Suffix of a file that is being written. A file that still has it after a crash is incomplete and worthless. */
export const temporarySuffix = ".tmp";

/** Suffix of an archive that is being replaced, until the new archive and its manifest are in place. */
export const previousSuffix = ".previous";

/** Returns the folder for unusable files of a day, kept for a person to inspect. */
export function quarantineFolder(dataDir: string, day: Day): string {
  return join(dataDir, "quarantine", dayPath(day));
}

const dayPattern = /(?:^|\/)stream=([^/=]+)\/symbol=([^/=]+)\/date=(\d{4}-\d\d-\d\d)(?:\/|$)/;

/** Finds the day in a path of the data folder; null if the path has no day. */
export function dayOfPath(path: string): Day | null {
  const match = dayPattern.exec(path);
  return match === null ? null : { stream: match[1] ?? "", symbol: match[2] ?? "", date: match[3] ?? "" };
}

/** Parses the path of a segment file; null for temporary and foreign files. */
export function segmentOfPath(path: string): { segment: Segment; state: SegmentState } | null {
  const day = dayOfPath(path);
  const file = /\/(\d\d-\d\d(?:_\d{2,})?)\.jsonl(\.zst)?$/.exec(path);
  if (day === null || file === null) return null;
  return { segment: { ...day, name: file[1] ?? "" }, state: file[2] === undefined ? "open" : "sealed" };
}

/** Returns the folder of a day within `live`, `archive` and exports: `stream=depth20/symbol=BTCUSDT/date=2026-11-22`. */
export function dayPath(day: Day): string {
  return `stream=${day.stream}/symbol=${day.symbol}/date=${day.date}`;
}

/** Returns the day before a day, of the same stream and symbol. */
export function dayBefore(day: Day): Day {
  return { ...day, date: dateOf(dateStartUs(day.date) - 1) };
}

/** Returns the name of a day for people and for lists: `2026-11-22/depth20/BTCUSDT`. */
export function nameOfDay({ date, stream, symbol }: Day): string {
  return `${date}/${stream}/${symbol}`;
}
