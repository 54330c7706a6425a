import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { messageOf, OperatorError } from "../../problem.ts";
import { dayOfPath } from "../../segment.ts";
import { createStream, type Stream, streamTypeOfFolder } from "../../stream.ts";
import { type RecordedDay, type RecordingFile, sortOutDays } from "./days.ts";
import { createLineParser, createRawParser, type MessageParser } from "./message.ts";

/** Files that follow each other in time, read one after the other. */
export type Track = {
  readonly files: readonly RecordingFile[];
  /** What all its messages are of; null for raw files, which one must read to know. */
  readonly stream: Stream | null;
  /** Days of a data folder with what is known of their gaps. */
  readonly days: readonly RecordedDay[];
  createParser(): MessageParser;
};

/**
 * The tracks of a recording: a file of `{"t","raw"}` lines (`.jsonl`, also `.gz`, `.zst`), a folder of such files, or a data
 * folder of RT-Data or a part of one. Throws an OperatorError if there is nothing to play.
 */
export function findTracks(path: string): readonly Track[] {
  const whole = resolve(path);
  const files = isFolder(path) ? list(whole) : [whole];
  const ours = files.filter((file) => dayOfPath(file) !== null);
  const tracks =
    ours.length > 0 ? dataTracks(ours) : files.filter((file) => isNamedRaw(file) || file === whole).map(rawTrack);
  if (tracks.length > 0) return tracks;
  throw new OperatorError(
    `cannot play ${path}: it holds no recording. Give a data folder of RT-Data, or files of {"t","raw"} lines (.jsonl, .jsonl.gz, .jsonl.zst)`,
  );
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new OperatorError(`cannot play ${path}: ${messageOf(error)}. Give a file or folder that exists`, {
      cause: error,
    });
  }
}

/** Every file below a folder, sorted, except what was put aside as unusable. Folders may vanish meanwhile, when a day is merged. */
function list(folder: string): string[] {
  for (let attempt = 1; ; attempt++) {
    try {
      return readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => !file.slice(folder.length).startsWith("/quarantine/"))
        .sort();
    } catch (error) {
      if (attempt === 5) throw new OperatorError(`cannot play ${folder}: ${messageOf(error)}`, { cause: error });
    }
  }
}

function isNamedRaw(file: string): boolean {
  return /\.jsonl?(\.gz|\.zst)?$/.test(file);
}

function rawTrack(path: string): Track {
  const startUs = Number.NEGATIVE_INFINITY;
  const file: RecordingFile = { path, startUs, lastUs: null, date: null, sealed: null, merged: null };
  return { files: [file], stream: null, days: [], createParser: createRawParser };
}

/** One track a stream and symbol, and one more where segments of a merged day are not in its archive. */
function dataTracks(paths: readonly string[]): Track[] {
  const byStream = new Map<string, string[]>();
  for (const path of paths) {
    const day = dayOfPath(path);
    const key = `${day?.stream}/${day?.symbol}`;
    const own = byStream.get(key);
    if (own === undefined) byStream.set(key, [path]);
    else own.push(path);
  }
  return [...byStream]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, own]) => {
      const day = dayOfPath(own[0] ?? "");
      const type = day === null ? null : streamTypeOfFolder(day.stream);
      if (day === null || type === null) return [];
      const { days, files, late } = sortOutDays(own);
      const stream = createStream(day.symbol, type);
      const createParser = () => createLineParser(day.symbol, type);
      const tracks: Track[] = files.length > 0 ? [{ files, stream, days, createParser }] : [];
      if (late.length > 0) tracks.push({ files: late, stream, days: [], createParser });
      return tracks;
    });
}
