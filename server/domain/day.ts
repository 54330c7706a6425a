import { join } from "node:path";

/** What files are filed under: one stream folder, one symbol, one UTC day. */
export type Day = {
  /** Folder name of the stream: `depth20`. */
  readonly stream: string;
  readonly symbol: string;
  /** UTC date by `recv_us`: `2026-11-22`. */
  readonly date: string;
};

/** One segment: a time window of a day. */
export type Segment = Day & {
  /** `HH-MM` of the window's start, UTC; `HH-MM_02` and so on when the window was opened again (a restart, a size limit). */
  readonly name: string;
};

/** Sealed by a worker or still plain lines. */
export type SegmentState = "open" | "sealed";

const minuteUs = 60_000_000;
/** Length of a UTC day, µs. */
export const dayUs = 1440 * minuteUs;

/** After midnight the last segments of the day need a moment to be closed; then it is merged, µs. */
export const mergeAfterUs = 5_000_000;

/** Start of the UTC day of a time, µs. */
export function dayStartUs(recvUs: number): number {
  return recvUs - (recvUs % dayUs);
}

/** UTC date of a time in µs: `2026-11-22`. */
export function dateOf(recvUs: number): string {
  return new Date(recvUs / 1000).toISOString().slice(0, 10);
}

/** µs at which a date begins; NaN if it is no date. */
export function dateStartUs(date: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) * 1000 : Number.NaN;
}

/**
 * The rotation window that holds a time: windows are counted from UTC midnight, so that the last one of a day ends with the
 * day even where `minutes` does not divide it.
 */
export function windowOf(recvUs: number, minutes: number): { startUs: number; endUs: number; name: string } {
  const dayStart = dayStartUs(recvUs);
  const length = minutes * minuteUs;
  const startUs = dayStart + Math.floor((recvUs - dayStart) / length) * length;
  const endUs = Math.min(startUs + length, dayStart + dayUs);
  return { startUs, endUs, name: new Date(startUs / 1000).toISOString().slice(11, 16).replace(":", "-") };
}

/** Start of a segment's window, µs. */
export function windowStartUs({ date, name }: Segment): number {
  const [hours = 0, minutes = 0] = name.slice(0, 5).split("-").map(Number);
  return dateStartUs(date) + (hours * 60 + minutes) * minuteUs;
}

/** `name` for the n-th file of the same window, n from 1. */
export function segmentName(windowName: string, n: number): string {
  return n === 1 ? windowName : `${windowName}_${String(n).padStart(2, "0")}`;
}

/** Folder of a day's segments. */
export function liveFolder(dataDir: string, day: Day): string {
  return join(dataDir, "live", dayPath(day));
}

/** Path of a segment: `.jsonl` while open, `.jsonl.zst` once sealed. */
export function segmentPath(dataDir: string, segment: Segment, state: SegmentState): string {
  return join(liveFolder(dataDir, segment), `${segment.name}.jsonl${state === "sealed" ? ".zst" : ""}`);
}

/** Folder of a day's archive and manifest. */
export function archiveFolder(dataDir: string, day: Day): string {
  return join(dataDir, "archive", dayPath(day));
}

/** Path of a day's archive. */
export function archivePath(dataDir: string, day: Day): string {
  return join(archiveFolder(dataDir, day), `${day.symbol}-${day.stream}-${day.date}.jsonl.zst`);
}

/** Path of a day's manifest; it is written last, so its presence means that the archive is whole. */
export function manifestPath(dataDir: string, day: Day): string {
  return join(archiveFolder(dataDir, day), `${day.symbol}-${day.stream}-${day.date}.manifest.json`);
}

/** A file being written carries this behind its final name; whatever still does after a crash is worth nothing. */
export const temporarySuffix = ".tmp";

/** An archive that is being replaced carries this behind its name until the new one and its manifest are in place. */
export const previousSuffix = ".previous";

/** Folder where what cannot be used of a day is kept for a person to look at. */
export function quarantineFolder(dataDir: string, day: Day): string {
  return join(dataDir, "quarantine", dayPath(day));
}

const dayPattern = /(?:^|\/)stream=([^/=]+)\/symbol=([^/=]+)\/date=(\d{4}-\d\d-\d\d)(?:\/|$)/;

/** The day that a path of ours lies in, or null. */
export function dayOfPath(path: string): Day | null {
  const match = dayPattern.exec(path);
  return match === null ? null : { stream: match[1] ?? "", symbol: match[2] ?? "", date: match[3] ?? "" };
}

/** The segment that a path of ours names, with its state, or null (temporary files, strangers). */
export function segmentOfPath(path: string): { segment: Segment; state: SegmentState } | null {
  const day = dayOfPath(path);
  const file = /\/(\d\d-\d\d(?:_\d{2,})?)\.jsonl(\.zst)?$/.exec(path);
  if (day === null || file === null) return null;
  return { segment: { ...day, name: file[1] ?? "" }, state: file[2] === undefined ? "open" : "sealed" };
}

/** `stream=depth20/symbol=BTCUSDT/date=2026-11-22`: what `live`, `archive` and exports are ordered by. */
export function dayPath(day: Day): string {
  return `stream=${day.stream}/symbol=${day.symbol}/date=${day.date}`;
}
