import type { Segment } from "../../domain/day.ts";
import type { Stream } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { createClosedSegments } from "../tamper/closed-segments.ts";
import { flushedOut } from "../tamper/flush-check.ts";
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

/** Writes all streams to disk. */
export type Recorder = {
  /** Returns the writer of a stream; creates it at the first call. Ask once and keep it. */
  writer(stream: Stream): StreamWriter;
  /** Stops recording a stream: writes its lines in memory and closes its segment. */
  release(stream: Stream): void;
  status(stream: Stream): StreamWriterStatus | null;
  /**
   * Resolves when all records of the stream so far are in its files, also records from before a release. Resolves after some seconds even
   * if the disk does not accept them.
   */
  flushed(stream: Stream): Promise<void>;
  /** Returns the records dropped because memory was full: the disk failed, stalled, or was too slow. */
  dropped(): number;
  /** Returns the failure of the disk, in words; null while it works. */
  failure(): string | null;
  /** Checks a part of the files for changes by other programs. Call it once a second. */
  checkFiles(): void;
  /** A closed segment was sealed with `rows` rows; null if it stays raw or is gone. */
  checkSealed(segment: Segment, rows: number | null): Promise<void>;
  /** Closes every segment once it holds the lines in memory; later records go to new segments (after a step of the clock). */
  closeSegments(): void;
  /**
   * Flushes and closes every segment. Resolves when all are on disk, or after `deadlineMs` if the disk stalls. Records that were not written
   * by then are counted and become a gap. Idempotent.
   */
  stop(deadlineMs?: number): Promise<void>;
};

export type RecorderOptions = Omit<StreamWriterOptions, "maxSegmentBytes"> & {
  /** Longest time that a record waits in memory, ms. */
  readonly flushMs: number;
  /** Most characters in memory while the disk is slow or fails; default 64 Mi. */
  readonly maxHeld?: number;
  readonly maxSegmentBytes?: number;
  /** Most segments open at once; default any number. */
  readonly mostOpen?: number;
  /** With more streams than open segments: shortest time that a stream keeps its segment, ms; default 60,000. */
  readonly turnMs?: number;
};

export type RecorderDeps = {
  readonly nowUs: () => number;
  readonly onClosed: (segment: Segment) => void;
  readonly onDropped: (stream: Stream, recvUs: number, cause: DropCause) => void;
  /** Records that had been written are lost from the disk. */
  readonly onLost: (stream: Stream, loss: Loss) => void;
  readonly log: Log;
};

/** Longest wait until windows are checked again, ms. */
const latestMs = 3_600_000;

/** Time between attempts on a full or failing disk, ms. */
const retryMs = 1000;

/** Time between two checks of a file, s, and most checks per call. A check costs some microseconds. */
const checkEvery = 3;
const checkedAtOnce = 500;

/** Creates the recorder. Calls `onClosed` for every complete segment. */
export function createRecorder(options: RecorderOptions, deps: RecorderDeps): Recorder {
  const maxHeld = options.maxHeld ?? 64 * 1024 * 1024;
  const writerOptions: StreamWriterOptions = {
    ...options,
    maxSegmentBytes: options.maxSegmentBytes ?? 64 * 1024 * 1024,
  };
  const writers = new Map<Stream, StreamWriter>();
  /** Writers of released streams whose last lines are being written. */
  const releasing = new Map<Promise<void>, StreamWriter>();
  const writeLatency = createWriteLatency();
  const mostOpen = options.mostOpen ?? Number.POSITIVE_INFINITY;
  const descriptorBudget = createDescriptorBudget(mostOpen, () => turns.onFree(deps.nowUs()));
  const turns = createDescriptorTurns(
    { turnMs: options.turnMs ?? 60_000 },
    { writers: () => [...writers.values()], descriptorBudget },
  );
  const diskErrors = createDiskErrors(deps.log);
  const tamperLog = createTamperLog(deps);
  const closed = createClosedSegments({ dataDir: options.dataDir, onTampered: tamperLog.report });
  let flushTimer: ReturnType<typeof setTimeout> | null = null;
  let earlyFlush: ReturnType<typeof setTimeout> | null = null;
  let rotateTimer: ReturnType<typeof setTimeout> | null = null;
  let stopped: Promise<void> | null = null;
  let held = 0;
  let dropped = 0;
  let checked = 0;

  const failure = () => diskErrors.failure() ?? writeLatency.stalled();
  const isTroubled = () => failure() !== null || writeLatency.isSlow();
  const retryIn = () => (isTroubled() ? Math.max(options.flushMs, retryMs) : options.flushMs);

  const events: StreamWriterEvents = {
    onBuffered() {
      // One timer for all files means one wake-up. No record waits longer than the flush interval.
      flushTimer ??= setTimeout(flushAll, diskErrors.failure() === null ? options.flushMs : retryIn());
      rotateTimer ??= setTimeout(rotateDue, 0);
    },
    onClosed(segment, stream, written) {
      closed.add(segment, stream, written);
      deps.onClosed(segment);
    },
    onFailure(stream, operation, path, failed) {
      diskErrors.record(stream, operation, path, failed);
      if (stopped === null) flushTimer ??= setTimeout(flushAll, retryIn());
    },
    onWritten(stream, characters) {
      held -= characters;
      diskErrors.end(stream, dropped);
    },
    reserve(characters) {
      if (held + characters > maxHeld) return false;
      held += characters;
      // A long flush interval must not use the memory that is reserved for a failing disk.
      if (held > maxHeld / 2 && !isTroubled()) earlyFlush ??= setTimeout(flushAll, 0);
      return true;
    },
    onDropped(stream, recvUs) {
      const cause = isTroubled() ? "disk" : "overflow";
      if (dropped === 0)
        deps.log.error("memory for unwritten records is full; records are lost until the disk accepts writes", {
          cause,
        });
      dropped++;
      deps.onDropped(stream, recvUs, cause);
    },
    onTampered: tamperLog.report,
  };

  function flushAll(): void {
    for (const timer of [flushTimer, earlyFlush]) if (timer !== null) clearTimeout(timer);
    flushTimer = null;
    earlyFlush = null;
    const nowUs = deps.nowUs();
    for (const writer of writers.values()) isolated(writer, "write", () => writer.flush(nowUs));
    turns.pass(nowUs);
  }

  /** Isolates an error of one stream from the other streams. */
  function isolated(writer: StreamWriter, operation: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      events.onFailure(writer.stream, operation, writer.stream.name, writeFailureOf(error));
    }
  }

  /** Closes segments whose window has ended without further records, then waits for the next end of a window. */
  function rotateDue(): void {
    rotateTimer = null;
    const nowUs = deps.nowUs();
    let nextUs = Number.POSITIVE_INFINITY;
    for (const writer of writers.values()) {
      isolated(writer, "close", () => writer.rotateIfDue(nowUs));
      nextUs = Math.min(nextUs, writer.dueUs());
    }
    const soonestMs = isTroubled() ? retryMs : 5;
    if (nextUs < Number.POSITIVE_INFINITY)
      rotateTimer = setTimeout(rotateDue, Math.min(latestMs, Math.max(soonestMs, (nextUs - nowUs) / 1000 + 5)));
  }

  /** Drops lines that the disk has not accepted: logs and counts them, and reports them as lost. */
  function dropUnwritten(stopped: readonly StreamWriter[]): void {
    const names: string[] = [];
    let records = 0;
    for (const writer of stopped) {
      const unwritten = writer.unwritten();
      if (unwritten === null) continue;
      names.push(writer.stream.name);
      records += unwritten.records;
      deps.onLost(writer.stream, { fromUs: unwritten.fromUs, toUs: unwritten.toUs + 1, records: unwritten.records });
    }
    dropped += records;
    if (records === 0) return;
    const message = "the disk did not accept the last records; they are lost, which is a gap";
    deps.log.error(message, { streams: names.length, stream: names[0], records });
  }

  async function stop(deadlineMs: number): Promise<void> {
    for (const timer of [flushTimer, earlyFlush, rotateTimer]) if (timer !== null) clearTimeout(timer);
    await stopStreamWriters([...writers.values()], releasing, { nowUs: deps.nowUs(), deadlineMs });
    const late = [...releasing.values()];
    releasing.clear();
    dropUnwritten([...writers.values(), ...late]);
  }

  return {
    writer(stream) {
      let writer = writers.get(stream);
      if (writer === undefined) {
        writer = createStreamWriter(stream, writerOptions, events, { writeLatency, descriptorBudget });
        writers.set(stream, writer);
      }
      return writer;
    },
    release(stream) {
      const writer = writers.get(stream);
      if (writer === undefined) return;
      const done = writer.stop(deps.nowUs()).then(() => {
        if (releasing.delete(done)) dropUnwritten([writer]);
        diskErrors.end(stream, dropped);
      });
      releasing.set(done, writer);
      writers.delete(stream);
    },
    flushed: (stream) => flushedOut(stream, { writers, releasing }, deps.nowUs),
    status: (stream) => writers.get(stream)?.status() ?? null,
    dropped: () => dropped,
    failure,
    checkFiles() {
      // A check on a stalled disk would block the thread.
      if (writeLatency.stalled() !== null) return;
      const all = [...writers.values()];
      void closed.checkLeftRaw();
      for (let n = Math.min(checkedAtOnce, Math.ceil(all.length / checkEvery)); n > 0; n--) {
        const writer = all[checked++ % all.length];
        if (writer !== undefined) isolated(writer, "look at", writer.checkFile);
      }
    },
    checkSealed: closed.check,
    closeSegments() {
      const nowUs = deps.nowUs();
      for (const writer of writers.values()) isolated(writer, "close", () => writer.closeSegment(nowUs));
      // The windows have changed.
      if (rotateTimer !== null) clearTimeout(rotateTimer);
      rotateTimer = stopped === null ? setTimeout(rotateDue, 0) : null;
    },
    stop(deadlineMs = 20_000) {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
  };
}
