import type { Segment } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { createClosedSegments } from "../tamper/closed-segments.ts";
import { releasesOf, writtenOut } from "../tamper/flush-check.ts";
import { createTamperLog } from "../tamper/tamper-log.ts";
import type { Loss } from "../tamper/written-bytes.ts";
import { createDescriptorBudget } from "./descriptor-budget.ts";
import { createDescriptorTurns } from "./descriptor-turns.ts";
import { createDiskErrors } from "./disk-errors.ts";
import type { DropCause } from "./gap-ledger.ts";
import { writeFailureOf } from "./segment-file.ts";
import { stopStreamWriters } from "./stop-stream-writers.ts";
import { createStreamWriter, type StreamWriter, type StreamWriterStatus } from "./stream-writer.ts";
import type { StreamWriterEvents, StreamWriterOptions } from "./stream-writer-types.ts";
import { createWriteLatency } from "./write-latency.ts";

/** Everything on its way to disk. */
export type Recorder = {
  /** The track of a stream, created at first sight; ask once and keep it. */
  track(stream: Stream): StreamWriter;
  /** The stream is recorded no more: what there is of it is written and its segment closed. */
  release(stream: Stream): void;
  status(stream: Stream): StreamWriterStatus | null;
  /**
   * Resolves when all that was taken of the stream so far is in its files, also what was taken before it was released; within some seconds
   * even if the disk does not take it.
   */
  flushed(stream: Stream): Promise<void>;
  /** Records dropped because memory was full: the disk failed or stood still, or more came than it takes. */
  dropped(): number;
  /** What the disk says, in words, or null while it works. */
  failure(): string | null;
  /** Looks for files that somebody has deleted, replaced or truncated, a part of them at each call; to be called once a second. */
  checkFiles(): void;
  /** A closed segment is sealed with so many rows, or stays raw or is gone (null). */
  checkSealed(segment: Segment, rows: number | null): Promise<void>;
  /** Closes every segment once it holds what is in memory now; later records, of whatever time, go to new ones (a step of the clock). */
  closeSegments(): void;
  /**
   * Flushes and closes every segment; resolves when all are on disk. A disk that stands still is not waited for longer than
   * `deadlineMs`: what it has not taken is counted and a gap. Idempotent.
   */
  stop(deadlineMs?: number): Promise<void>;
};

export type RecorderOptions = Omit<StreamWriterOptions, "maxSegmentBytes"> & {
  /** Longest time that a record waits in memory, ms. */
  readonly flushMs: number;
  /** Characters held in memory, above all while the disk fails; default 64 Mi. */
  readonly maxHeld?: number;
  readonly maxSegmentBytes?: number;
  /** Segments open at once, for the descriptors that there are; default any number. */
  readonly mostOpen?: number;
  /** With more streams than may be open, one keeps its segment at least so long before another one gets the place, ms; default 60,000. */
  readonly turnMs?: number;
};

export type RecorderDeps = {
  readonly nowUs: () => number;
  readonly onClosed: (segment: Segment) => void;
  readonly onDropped: (stream: Stream, recvUs: number, cause: DropCause) => void;
  /** Records that had been written are gone from the disk. */
  readonly onLost: (stream: Stream, loss: Loss) => void;
  readonly log: Log;
};

/** Windows are looked at again after this at the latest, ms: longer waits are more than a timer can. */
const latestMs = 3_600_000;

/** A second attempt at a full or failing disk is made this often, ms. */
const retryMs = 1000;

/** Each file is looked at so often, s, unless there are more than can be looked at in that time: a look costs some microseconds. */
const checkEvery = 3;
const checkedAtOnce = 500;

/** The recorder of any number of streams; `onClosed` is told of every segment that is complete. */
export function createRecorder(options: RecorderOptions, deps: RecorderDeps): Recorder {
  const maxHeld = options.maxHeld ?? 64 * 1024 * 1024;
  const trackOptions: StreamWriterOptions = {
    ...options,
    maxSegmentBytes: options.maxSegmentBytes ?? 64 * 1024 * 1024,
  };
  const tracks = new Map<Stream, StreamWriter>();
  /** Streams that are being released: what there is of them is being written. */
  const releasing = new Map<Promise<void>, StreamWriter>();
  const pace = createWriteLatency();
  const places = createDescriptorBudget(options.mostOpen ?? Number.POSITIVE_INFINITY, () => turns.onFree(deps.nowUs()));
  const turns = createDescriptorTurns(
    { turnMs: options.turnMs ?? 60_000 },
    { tracks: () => [...tracks.values()], places },
  );
  const trouble = createDiskErrors(deps.log);
  const tampered = createTamperLog(deps);
  const closed = createClosedSegments({ dataDir: options.dataDir, onTampered: tampered.note });
  let flushTimer: ReturnType<typeof setTimeout> | null = null;
  let earlyFlush: ReturnType<typeof setTimeout> | null = null;
  let rotateTimer: ReturnType<typeof setTimeout> | null = null;
  let stopped: Promise<void> | null = null;
  let held = 0;
  let dropped = 0;
  let checked = 0;

  const failure = () => trouble.failure() ?? pace.stalled();
  const isTroubled = () => failure() !== null || pace.isSlow();
  const retryIn = () => (isTroubled() ? Math.max(options.flushMs, retryMs) : options.flushMs);

  const events: StreamWriterEvents = {
    onBuffered() {
      // One timer for all files: a record waits at most as long as the first one of any file, and there is one wake-up.
      flushTimer ??= setTimeout(flushAll, trouble.failure() === null ? options.flushMs : retryIn());
      rotateTimer ??= setTimeout(rotateDue, 0);
    },
    onClosed(segment, stream, written) {
      closed.add(segment, stream, written);
      deps.onClosed(segment);
    },
    onFailure(stream, operation, path, failed) {
      trouble.note(stream, operation, path, failed);
      if (stopped === null) flushTimer ??= setTimeout(flushAll, retryIn());
    },
    onWritten(stream, characters) {
      held -= characters;
      trouble.end(stream, dropped);
    },
    mayHold(characters) {
      if (held + characters > maxHeld) return false;
      held += characters;
      // A long flush interval must not fill the memory that is meant for a failing disk.
      if (held > maxHeld / 2 && !isTroubled()) earlyFlush ??= setTimeout(flushAll, 0);
      return true;
    },
    onDropped(stream, recvUs) {
      const cause = isTroubled() ? "disk" : "overflow";
      if (dropped === 0)
        deps.log.error("memory for held records is full; records are lost until the disk takes them", { cause });
      dropped++;
      deps.onDropped(stream, recvUs, cause);
    },
    onTampered: tampered.note,
  };

  function flushAll(): void {
    for (const timer of [flushTimer, earlyFlush]) if (timer !== null) clearTimeout(timer);
    flushTimer = null;
    earlyFlush = null;
    const nowUs = deps.nowUs();
    for (const track of tracks.values()) alone(track, "write", () => track.flush(nowUs));
    turns.pass(nowUs);
  }

  /** What one stream meets with must not keep the others from being written. */
  function alone(track: StreamWriter, operation: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      events.onFailure(track.stream, operation, track.stream.name, writeFailureOf(error));
    }
  }

  /** Closes segments whose window is over although nothing more arrives, then sleeps until the next one is. */
  function rotateDue(): void {
    rotateTimer = null;
    const nowUs = deps.nowUs();
    let nextUs = Number.POSITIVE_INFINITY;
    for (const track of tracks.values()) {
      alone(track, "close", () => track.rotateIfDue(nowUs));
      nextUs = Math.min(nextUs, track.dueUs());
    }
    const soonestMs = isTroubled() ? retryMs : 5;
    if (nextUs < Number.POSITIVE_INFINITY)
      rotateTimer = setTimeout(rotateDue, Math.min(latestMs, Math.max(soonestMs, (nextUs - nowUs) / 1000 + 5)));
  }

  /** A disk that does not work even now costs what is in memory: it is said, counted, and a gap from first to last. */
  function dropUnwritten(stopped: readonly StreamWriter[]): void {
    const names: string[] = [];
    let records = 0;
    for (const track of stopped) {
      const left = track.unwritten();
      if (left === null) continue;
      names.push(track.stream.name);
      records += left.records;
      deps.onLost(track.stream, { fromUs: left.fromUs, toUs: left.toUs + 1, records: left.records });
    }
    dropped += records;
    if (records === 0) return;
    const message = "the disk did not take the last records; they are lost, which is a gap";
    deps.log.error(message, { streams: names.length, stream: names[0], records });
  }

  async function stop(deadlineMs: number): Promise<void> {
    for (const timer of [flushTimer, earlyFlush, rotateTimer]) if (timer !== null) clearTimeout(timer);
    await stopStreamWriters([...tracks.values()], releasing, { nowUs: deps.nowUs(), deadlineMs });
    const late = [...releasing.values()];
    releasing.clear();
    dropUnwritten([...tracks.values(), ...late]);
  }

  return {
    track(stream) {
      let track = tracks.get(stream);
      if (track === undefined) {
        track = createStreamWriter(stream, trackOptions, events, { pace, places });
        tracks.set(stream, track);
      }
      return track;
    },
    release(stream) {
      const track = tracks.get(stream);
      if (track === undefined) return;
      const done = track.stop(deps.nowUs()).then(() => {
        if (releasing.delete(done)) dropUnwritten([track]);
        trouble.end(stream, dropped);
      });
      releasing.set(done, track);
      tracks.delete(stream);
    },
    flushed: (stream) => writtenOut(tracks.get(stream), releasesOf(releasing, stream), deps.nowUs),
    status: (stream) => tracks.get(stream)?.status() ?? null,
    dropped: () => dropped,
    failure,
    checkFiles() {
      // A look at a disk that stands still would hold everything up.
      if (pace.stalled() !== null) return;
      const all = [...tracks.values()];
      const now = Math.min(checkedAtOnce, Math.ceil(all.length / checkEvery));
      for (let n = 0; n < now; n++) {
        const track = all[checked++ % all.length];
        if (track !== undefined) alone(track, "look at", track.checkFile);
      }
    },
    checkSealed: closed.check,
    closeSegments() {
      const nowUs = deps.nowUs();
      for (const track of tracks.values()) alone(track, "close", () => track.closeSegment(nowUs));
      // The ends of windows are elsewhere now.
      if (rotateTimer !== null) clearTimeout(rotateTimer);
      rotateTimer = stopped === null ? setTimeout(rotateDue, 0) : null;
    },
    stop(deadlineMs = 20_000) {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}
