import { statSync } from "node:fs";
import { resolve } from "node:path";
import { dayOfPath } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import type { RecordedDay, RecordedFile } from "../../storage/list/day-files.ts";
import { filesBelow } from "../../storage/list/files-below.ts";
import { recordedStreamsOf } from "../../storage/list/listing.ts";
import type { LineStream } from "../../storage/read/stream-reader.ts";
import { createLineParser, createRawParser, type RecordedMessage } from "./recorded-message.ts";

/** Files that follow each other in time, read one after the other. */
export type RecordingFiles = LineStream<RecordedMessage> & {
  /** The stream of all its messages; null for raw files, whose streams are known only after reading. */
  readonly stream: Stream | null;
  /** Days of a data folder with their known gaps. */
  readonly days: readonly RecordedDay[];
};

/**
 * The tracks of a recording: a file of `{"t","raw"}` lines (`.jsonl`, also `.gz`, `.zst`), a folder of such files, or a data
 * folder of RT-Data or a part of it. @throws OperatorError if `path` holds no recording.
 */
export function findRecordingFiles(path: string): readonly RecordingFiles[] {
  const whole = resolve(path);
  const files = isFolder(path) ? filesBelow(whole) : [whole];
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

function isNamedRaw(file: string): boolean {
  return /\.jsonl?(\.gz|\.zst)?$/.test(file);
}

function rawTrack(path: string): RecordingFiles {
  const startUs = Number.NEGATIVE_INFINITY;
  const file: RecordedFile = { path, startUs, lastUs: null, date: null, sealed: null, merged: null };
  return { files: [file], stream: null, days: [], createParser: createRawParser };
}

function dataTracks(paths: readonly string[]): RecordingFiles[] {
  const readable = recordedStreamsOf(paths).filter(({ files }) => files.length > 0);
  return readable.map((track) => ({
    ...track,
    createParser: () => createLineParser(track.stream.symbol, track.stream.type),
  }));
}
