import { encodeLine } from "../record.ts";
import { type Segment, windowOf } from "../segment.ts";
import type { Stream } from "../stream.ts";
import type { DiskPace } from "./disk-pace.ts";
import { type LiveSegment, openLive, writeAgain } from "./live-segment.ts";
import { failureOf, type WriteFailure } from "./segment-writer.ts";

/** One stream on its way to disk: the batch in memory and the segment that it goes to. */
export type Track = {
  readonly stream: Stream;
  /** Takes one record; `recvUs` must not decrease. The line is in memory until the next flush. */
  append(payload: string, recvUs: number, netDelayMs: number | null): void;
  /** Writes what is in memory to the file, oldest first. Idempotent; an error is reported, the lines are kept and tried again. */
  flush(nowUs: number): void;
  /** Closes the segment if its window is over; `nowUs` tells. */
  rotateIfDue(nowUs: number): void;
  /** Looks whether the open file is still there; if somebody deleted it, it is written again. */
  checkFile(): void;
  /** Flushes and closes; resolves when the segment is on disk. */
  stop(nowUs: number): Promise<void>;
  /** End of the window that is being written, µs; Infinity where none is. */
  dueUs(): number;
  status(): TrackStatus;
  /** What is still in memory: its records, and the time from the first to the last; null where nothing is. */
  unwritten(): { readonly records: number; readonly fromUs: number; readonly toUs: number } | null;
};

export type TrackStatus = {
  readonly records: number;
  readonly bufferedRecords: number;
  readonly bytesWritten: number;
  readonly lastRecvUs: number | null;
  /** Time between the last two flushes, µs; null before the second. */
  readonly flushIntervalUs: number | null;
};

export type TrackOptions = {
  readonly dataDir: string;
  readonly segmentMinutes: number;
  readonly flushRecords: number;
  readonly sync: "seal" | "flush" | "never";
  /** A segment is closed early when it has grown to this size, so that sealing it takes bounded memory. */
  readonly maxSegmentBytes: number;
};

/** What a track tells the recorder. */
export type TrackEvents = {
  /** The first record of a batch was taken: a flush is due within the flush interval. */
  readonly onBuffered: () => void;
  /** A segment is complete, and synced where that is wanted. */
  readonly onClosed: (segment: Segment) => void;
  readonly onFailure: (stream: Stream, operation: string, path: string, failure: NonNullable<WriteFailure>) => void;
  /** A write has worked; ends what onFailure began. `characters` fewer are held in memory. */
  readonly onWritten: (stream: Stream, characters: number) => void;
  /** May this many more characters be held in memory? If so they count until they are written. */
  readonly mayHold: (characters: number) => boolean;
  /** A record was not kept, because memory is full. */
  readonly onDropped: (stream: Stream, recvUs: number) => void;
  /** The open file had been deleted; `isSaved`: what it held has been written again, else it is lost from the first time on. */
  readonly onDeleted: (stream: Stream, path: string, fromUs: number, isSaved: boolean) => void;
};

/** Lines of one window that are still in memory. */
type Batch = { lines: string; records: number; held: number; readonly firstUs: number; readonly windowEndUs: number };

/** Characters of one batch: what is written at once is copied, and must stay small beside what may be held. */
const largestBatch = 1024 * 1024;

/** The track of one stream. Nothing touches the disk before the first flush. */
export function createTrack(stream: Stream, options: TrackOptions, events: TrackEvents, pace: DiskPace): Track {
  /** Oldest first; more than one only around a window's border and while the disk is slow or fails. */
  const queue: Batch[] = [];
  /** Where the next record goes, if it is of the same window. */
  let current: Batch | null = null;
  let open: LiveSegment | null = null;
  /** What the disk is being waited for; one thing at a time, so that order is kept. */
  let busy: Promise<void> | null = null;
  let failing = false;
  let records = 0;
  let bytesWritten = 0;
  let lastRecvUs: number | null = null;
  let lastFlushUs: number | null = null;
  let flushIntervalUs: number | null = null;
  const closing = new Set<Promise<void>>();

  function append(payload: string, recvUs: number, netDelayMs: number | null): void {
    if (!events.mayHold(payload.length)) {
      events.onDropped(stream, recvUs);
      return;
    }
    if (current === null || recvUs >= current.windowEndUs || current.held >= largestBatch) {
      const windowEndUs = windowOf(recvUs, options.segmentMinutes).endUs;
      current = { lines: "", records: 0, held: 0, firstUs: recvUs, windowEndUs };
      queue.push(current);
      events.onBuffered();
    }
    current.lines += encodeLine(payload, recvUs, netDelayMs);
    current.held += payload.length;
    current.records++;
    records++;
    lastRecvUs = recvUs;
    if (current.records >= options.flushRecords && !failing) flush(recvUs);
  }

  function flush(nowUs: number): void {
    if (busy !== null) return;
    // What arrives from here on must not join a batch that is being written.
    current = null;
    for (let batch = queue[0]; batch !== undefined; batch = queue[0]) {
      if (open !== null && open.windowEndUs !== batch.windowEndUs) closeSegment();
      if (open === null) {
        waitFor(openFor(batch), nowUs);
        return;
      }
      const before = open.writer.bytes();
      const pending = open.writer.write(batch.lines, { sync: options.sync === "flush" });
      if (pending !== null) {
        waitFor(settle(pending, before, nowUs), nowUs);
        return;
      }
      onWritten(before, nowUs);
    }
  }

  /** Goes on with the next batch once the disk has done its part; after a failure the recorder says when to try again. */
  function waitFor(work: Promise<boolean>, nowUs: number): void {
    busy = work.then((ok) => {
      busy = null;
      if (ok) flush(nowUs);
    });
  }

  async function settle(pending: Promise<WriteFailure>, before: number, nowUs: number): Promise<boolean> {
    const failure = await pending;
    if (failure === null) {
      onWritten(before, nowUs);
      return true;
    }
    failing = true;
    events.onFailure(stream, "write", open?.writer.path ?? stream.name, failure);
    return false;
  }

  /** The oldest batch is in the file. */
  function onWritten(before: number, nowUs: number): void {
    const batch = queue.shift();
    if (open === null || batch === undefined) return;
    bytesWritten += open.writer.bytes() - before;
    flushIntervalUs = lastFlushUs === null ? null : nowUs - lastFlushUs;
    lastFlushUs = nowUs;
    failing = false;
    events.onWritten(stream, batch.held);
    if (open.writer.bytes() >= options.maxSegmentBytes) closeSegment();
  }

  async function openFor({ firstUs }: Batch): Promise<boolean> {
    try {
      open = await pace.turning("open a segment of", stream.name, () => openLive(options, stream, firstUs, pace));
      return true;
    } catch (error) {
      fail("open", stream.name, error);
      return false;
    }
  }

  function closeSegment(): void {
    if (open === null) return;
    const work = finish(open).finally(() => closing.delete(work));
    open = null;
    closing.add(work);
  }

  async function finish(one: LiveSegment): Promise<void> {
    let { writer } = one;
    try {
      if (writer.isDeleted()) writer = (await putBack(one)).writer;
    } catch {
      events.onDeleted(stream, writer.path, one.firstUs, false);
      await writer.close({ sync: false }).catch(() => {});
      return;
    }
    try {
      await pace.turning("close", writer.path, () => writer.close({ sync: options.sync !== "never" }));
    } catch (error) {
      events.onFailure(stream, "close", writer.path, failureOf(error));
    }
    // Also one that could not be synced: its sealed copy is synced, and compared with it before it goes.
    events.onClosed(one.segment);
  }

  async function putBack(one: LiveSegment): Promise<LiveSegment> {
    const next = await writeAgain(options.dataDir, one, pace);
    events.onDeleted(stream, next.writer.path, one.firstUs, true);
    return next;
  }

  /** False: what failed is tried again when the recorder says so. */
  async function reopen(one: LiveSegment): Promise<boolean> {
    try {
      open = await putBack(one);
      return true;
    } catch (error) {
      fail("write again", one.writer.path, error);
      return false;
    }
  }

  function fail(operation: string, path: string, error: unknown): void {
    failing = true;
    events.onFailure(stream, operation, path, failureOf(error));
  }

  const bufferedRecords = () => queue.reduce((sum, batch) => sum + batch.records, 0);

  return {
    stream,
    append,
    flush,
    rotateIfDue(nowUs) {
      if (open === null || nowUs < open.windowEndUs) return;
      flush(nowUs);
      if (busy === null && open !== null && nowUs >= open.windowEndUs && queue.length === 0) closeSegment();
    },
    checkFile() {
      const one = open;
      if (one === null || busy !== null || !one.writer.isDeleted()) return;
      waitFor(reopen(one), lastRecvUs ?? one.firstUs);
    },
    async stop(nowUs) {
      for (let attempt = 0; attempt < 2; attempt++) {
        flush(nowUs);
        while (busy !== null) await busy;
      }
      closeSegment();
      await Promise.all(closing);
    },
    dueUs: () => open?.windowEndUs ?? queue[0]?.windowEndUs ?? Number.POSITIVE_INFINITY,
    status: () => ({
      records,
      bufferedRecords: bufferedRecords(),
      bytesWritten,
      lastRecvUs,
      flushIntervalUs,
    }),
    unwritten: () =>
      queue[0] === undefined || lastRecvUs === null
        ? null
        : { records: bufferedRecords(), fromUs: queue[0].firstUs, toUs: lastRecvUs },
  };
}
