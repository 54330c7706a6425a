import { mkdirSync } from "node:fs";
import { encodeLine } from "../record.ts";
import { dateOf, liveFolder, type Segment, segmentPath, windowOf } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { freeSegment } from "./free-segment.ts";
import { failureOf, openSegment, type SegmentWriter, type WriteFailure } from "./segment-writer.ts";

/** One stream on its way to disk: the batch in memory and the segment that it goes to. */
export type Track = {
  readonly stream: Stream;
  /** Takes one record; `recvUs` must not decrease. The line is in memory until the next flush. */
  append(payload: string, recvUs: number, netDelayMs: number | null): void;
  /** Writes the batch to the file. Idempotent; an error is reported, the batch is kept and tried again. */
  flush(nowUs: number): void;
  /** Closes the segment if its window is over; `nowUs` tells. */
  rotateIfDue(nowUs: number): void;
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
  /** A segment is complete and synced. */
  readonly onClosed: (segment: Segment) => void;
  readonly onFailure: (operation: string, path: string, failure: NonNullable<WriteFailure>) => void;
  /** A write has worked; ends what onFailure began. */
  readonly onWritten: () => void;
  /** May this many more characters be held in memory? Asked only while writing fails. */
  readonly mayHold: (characters: number) => boolean;
  /** A record was not kept, because the disk failed and memory is full. */
  readonly onDropped: (stream: Stream, recvUs: number) => void;
};

/** Lines of one window that are still in memory. */
type Batch = { lines: string; records: number; readonly firstUs: number; readonly windowEndUs: number };

/** The track of one stream. Nothing touches the disk before the first flush. */
export function createTrack(stream: Stream, options: TrackOptions, events: TrackEvents): Track {
  /** Oldest first; more than one only around a window's border and while writing fails. */
  const queue: Batch[] = [];
  /** Where the next record goes, if it is of the same window. */
  let current: Batch | null = null;
  let open: { readonly writer: SegmentWriter; readonly segment: Segment; readonly windowEndUs: number } | null = null;
  let folder = "";
  let busy: Promise<void> | null = null;
  let failing = false;
  let records = 0;
  let bytesWritten = 0;
  let lastRecvUs: number | null = null;
  let lastFlushUs: number | null = null;
  let flushIntervalUs: number | null = null;
  const closing = new Set<Promise<void>>();

  function append(payload: string, recvUs: number, netDelayMs: number | null): void {
    if (failing && !events.mayHold(payload.length)) {
      events.onDropped(stream, recvUs);
      return;
    }
    if (current === null || recvUs >= current.windowEndUs) {
      current = { lines: "", records: 0, firstUs: recvUs, windowEndUs: windowOf(recvUs, options.segmentMinutes).endUs };
      queue.push(current);
      events.onBuffered();
    }
    current.lines += encodeLine(payload, recvUs, netDelayMs);
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
      try {
        open ??= openFor(batch);
      } catch (error) {
        fail("open", folder, error);
        return;
      }
      const before = open.writer.bytes();
      const pending = open.writer.write(batch.lines);
      if (pending !== null) {
        busy = settle(pending, before, nowUs);
        return;
      }
      onWritten(before, nowUs);
    }
  }

  async function settle(pending: Promise<WriteFailure>, before: number, nowUs: number): Promise<void> {
    const failure = await pending;
    busy = null;
    if (failure === null) onWritten(before, nowUs);
    else {
      failing = true;
      events.onFailure("write", open?.writer.path ?? folder, failure);
    }
  }

  /** The oldest batch is in the file. */
  function onWritten(before: number, nowUs: number): void {
    queue.shift();
    if (open === null) return;
    bytesWritten += open.writer.bytes() - before;
    if (options.sync === "flush") open.writer.sync();
    flushIntervalUs = lastFlushUs === null ? null : nowUs - lastFlushUs;
    lastFlushUs = nowUs;
    if (failing) {
      failing = false;
      events.onWritten();
    }
    if (open.writer.bytes() >= options.maxSegmentBytes) closeSegment();
  }

  function openFor(batch: Batch): NonNullable<typeof open> {
    const day = { stream: stream.type.folder, symbol: stream.symbol, date: dateOf(batch.firstUs) };
    const wanted = liveFolder(options.dataDir, day);
    if (wanted !== folder) {
      mkdirSync(wanted, { recursive: true });
      folder = wanted;
    }
    const window = windowOf(batch.firstUs, options.segmentMinutes);
    const segment = freeSegment(options.dataDir, { ...day, name: window.name });
    return { writer: openSegment(segmentPath(options.dataDir, segment, "open")), segment, windowEndUs: window.endUs };
  }

  function closeSegment(): void {
    if (open === null) return;
    const { writer, segment } = open;
    open = null;
    const work = writer
      .close({ sync: options.sync !== "never" })
      .then(() => events.onClosed(segment))
      .catch((error) => fail("close", writer.path, error))
      .finally(() => closing.delete(work));
    closing.add(work);
  }

  function fail(operation: string, path: string, error: unknown): void {
    failing ||= operation !== "close";
    events.onFailure(operation, path, failureOf(error));
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
    async stop(nowUs) {
      flush(nowUs);
      await busy;
      flush(nowUs);
      await busy;
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
