import { encodeLine } from "../../domain/line.ts";
import type { Stream } from "../../domain/stream.ts";
import { createLineBatches } from "./line-batches.ts";
import type { OpenSegment } from "./open-segment.ts";
import { type WriteFailure, writeFailureOf } from "./segment-file.ts";
import { createStreamOutput } from "./stream-output.ts";
import type { StreamWriterDeps, StreamWriterEvents, StreamWriterOptions } from "./stream-writer-types.ts";

/** Writes one stream to disk: batches in memory and the open segment. */
export type StreamWriter = {
  readonly stream: Stream;
  /** Adds a record; `recvUs` must not decrease. The line stays in memory until the next flush. Never throws. */
  append(payload: string, recvUs: number, netDelayMs: number | null): void;
  /** Writes the lines in memory to the file, oldest first. Idempotent. After an error the lines are kept and tried again. */
  flush(nowUs: number): void;
  /** Closes the segment if its window has ended at `nowUs`. */
  rotateIfDue(nowUs: number): void;
  /** Closes the segment once it holds the lines in memory. Later records go to another segment, whatever their time is. */
  closeSegment(nowUs: number): void;
  /** Since when its segment is open, ms of the monotonic clock; null if no segment is open. */
  openedMs(): number | null;
  /** Checks whether the open file still exists with the right length; otherwise repairs it. */
  checkFile(): void;
  /** Flushes and closes. Resolves when the segment is on disk. */
  stop(nowUs: number): Promise<void>;
  /** Starts no further write. A write that is under way may still end. */
  giveUp(): void;
  /** End of the current window, µs; Infinity without window. */
  dueUs(): number;
  status(): StreamWriterStatus;
  /** Number and receipt times of the records in memory; null without records. */
  unwritten(): { readonly records: number; readonly fromUs: number; readonly toUs: number } | null;
};

export type StreamWriterStatus = {
  readonly records: number;
  readonly bufferedRecords: number;
  readonly bytesWritten: number;
  readonly lastRecvUs: number | null;
  /** Time between the last two flushes, µs; null before the second. */
  readonly flushIntervalUs: number | null;
};

/** Creates the writer of one stream. It does not touch the disk before the first flush. */
export function createStreamWriter(
  stream: Stream,
  options: StreamWriterOptions,
  events: StreamWriterEvents,
  deps: StreamWriterDeps,
): StreamWriter {
  const batches = createLineBatches(options.segmentMinutes);
  const file = createStreamOutput(stream, options, events, deps);
  /** The disk operation under way. Only one at a time, which keeps the order of lines. */
  let busy: Promise<void> | null = null;
  let failing = false;
  let isGivenUp = false;
  let records = 0;
  let bytesWritten = 0;
  let lastRecvUs: number | null = null;
  let lastFlushUs: number | null = null;
  let flushIntervalUs: number | null = null;

  function append(payload: string, recvUs: number, netDelayMs: number | null): void {
    if (!events.reserve(payload.length)) {
      events.onDropped(stream, recvUs);
      return;
    }
    const batch = batches.batchFor(recvUs, events.onBuffered);
    batch.lines += encodeLine(payload, recvUs, netDelayMs);
    batch.held += payload.length;
    batch.records++;
    batch.lastUs = recvUs;
    records++;
    lastRecvUs = recvUs;
    if (batch.records >= options.flushRecords && !failing) flush(recvUs);
  }

  function flush(nowUs: number): void {
    if (busy !== null || isGivenUp) return;
    // Later records must not join a batch that is being written.
    batches.cut();
    for (let batch = batches.oldest(); batch !== undefined; batch = batches.oldest()) {
      const open = file.openFor(batch);
      if (open === null) {
        waitFor(
          file.open(batch).then((ok) => ok || fail()),
          nowUs,
        );
        return;
      }
      const before = open.writer.bytes();
      const pending = open.writer.write(batch.lines, { sync: options.sync === "flush" });
      if (pending !== null) {
        waitFor(onWriteSettled(open, pending, before, nowUs), nowUs);
        return;
      }
      onWritten(open, before, nowUs);
    }
  }

  function fail(): false {
    failing = true;
    return false;
  }

  /** Continues with the next batch when the operation has ended. After a failure the recorder decides when to try again. */
  function waitFor(work: Promise<boolean>, nowUs: number): void {
    const done = work.catch((error) => {
      events.onFailure(stream, "write", stream.name, writeFailureOf(error));
      return fail();
    });
    busy = done.then((ok) => {
      busy = null;
      if (ok) flush(nowUs);
    });
  }

  async function onWriteSettled(open: OpenSegment, pending: Promise<WriteFailure>, before: number, nowUs: number) {
    const failure = await pending;
    if (failure === null) {
      onWritten(open, before, nowUs);
      return true;
    }
    file.onWriteFailed(failure);
    return fail();
  }

  /** The oldest batch was written to the file. */
  function onWritten(open: OpenSegment, before: number, nowUs: number): void {
    const batch = batches.shift();
    if (batch === undefined) return;
    open.written.add(batch.records, batch.firstUs, batch.lastUs);
    bytesWritten += open.writer.bytes() - before;
    flushIntervalUs = lastFlushUs === null ? null : nowUs - lastFlushUs;
    lastFlushUs = nowUs;
    failing = false;
    events.onWritten(stream, batch.held);
    file.onWritten();
  }

  return {
    stream,
    append,
    flush,
    rotateIfDue(nowUs) {
      if (nowUs < file.windowEndUs()) return;
      flush(nowUs);
      if (busy === null && nowUs >= file.windowEndUs() && batches.oldest() === undefined) file.close();
    },
    closeSegment(nowUs) {
      batches.nextGeneration();
      flush(nowUs);
      if (busy === null && batches.oldest() === undefined) file.close();
    },
    openedMs: file.openedMs,
    checkFile() {
      const work = busy === null ? file.check() : null;
      if (work !== null) waitFor(work, lastRecvUs ?? 0);
    },
    async stop(nowUs) {
      // After the second failure the segment is abandoned, and the rest goes to a new file.
      for (let attempt = 0; attempt < 4; attempt++) {
        flush(nowUs);
        while (busy !== null) await busy;
        if (batches.oldest() === undefined) break;
      }
      await file.stop();
    },
    giveUp() {
      isGivenUp = true;
    },
    dueUs: () => Math.min(file.windowEndUs(), batches.oldest()?.windowEndUs ?? Number.POSITIVE_INFINITY),
    status: () => ({ records, bufferedRecords: batches.records(), bytesWritten, lastRecvUs, flushIntervalUs }),
    unwritten() {
      const [oldest, newest] = [batches.oldest(), batches.newest()];
      if (oldest === undefined || newest === undefined) return null;
      return { records: batches.records(), fromUs: oldest.firstUs, toUs: newest.lastUs };
    },
  };
}
