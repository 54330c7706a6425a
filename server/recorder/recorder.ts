import type { Log } from "../log.ts";
import type { Segment } from "../segment.ts";
import type { Stream } from "../stream.ts";
import { createTrack, type Track, type TrackEvents, type TrackOptions, type TrackStatus } from "./track.ts";

/** Everything on its way to disk. */
export type Recorder = {
  /** The track of a stream, created at first sight; ask once and keep it. */
  track(stream: Stream): Track;
  /** The stream is recorded no more: what there is of it is written and its segment closed. */
  release(stream: Stream): void;
  status(stream: Stream): TrackStatus | null;
  /** Records dropped because the disk failed and memory was full. */
  dropped(): number;
  /** What the disk says, or null while it works. */
  failure(): string | null;
  /** Flushes and closes every segment; resolves when all are on disk. Idempotent. */
  stop(): Promise<void>;
};

export type RecorderOptions = Omit<TrackOptions, "maxSegmentBytes"> & {
  /** Longest time that a record waits in memory, ms. */
  readonly flushMs: number;
  /** Characters held in memory while the disk fails; default 64 Mi. */
  readonly maxHeld?: number;
  readonly maxSegmentBytes?: number;
};

/** A second attempt at a full or failing disk is made this often, ms. */
const retryMs = 1000;

/** The recorder of any number of streams; `onClosed` is told of every segment that is complete. */
export function createRecorder(
  options: RecorderOptions,
  deps: {
    nowUs: () => number;
    onClosed: (segment: Segment) => void;
    onDropped: (stream: Stream, recvUs: number) => void;
    log: Log;
  },
): Recorder {
  const maxHeld = options.maxHeld ?? 64 * 1024 * 1024;
  const trackOptions: TrackOptions = { ...options, maxSegmentBytes: options.maxSegmentBytes ?? 64 * 1024 * 1024 };
  const tracks = new Map<Stream, Track>();
  const releasing = new Set<Promise<void>>();
  let flushTimer: ReturnType<typeof setTimeout> | null = null;
  let rotateTimer: ReturnType<typeof setTimeout> | null = null;
  let stopped: Promise<void> | null = null;
  let failure: string | null = null;
  let held = 0;
  let dropped = 0;

  const events: TrackEvents = {
    onBuffered() {
      // One timer for all files: a record waits at most as long as the first one of any file, and there is one wake-up.
      flushTimer ??= setTimeout(flushAll, failure === null ? options.flushMs : Math.max(options.flushMs, retryMs));
      rotateTimer ??= setTimeout(rotateDue, 0);
    },
    onClosed: deps.onClosed,
    onFailure(operation, path, { code, message }) {
      if (failure === null)
        deps.log.error(`cannot ${operation} a segment; records are held in memory`, { path, code, message });
      failure = `${operation} ${path}: ${message}`;
      flushTimer ??= setTimeout(flushAll, Math.max(options.flushMs, retryMs));
    },
    onWritten() {
      if (failure !== null) deps.log.info("the disk takes data again", { records_dropped: dropped });
      failure = null;
      held = 0;
    },
    mayHold(characters) {
      if (held + characters > maxHeld) return false;
      held += characters;
      return true;
    },
    onDropped(stream, recvUs) {
      if (dropped === 0) deps.log.error("memory for held records is full; records are lost until the disk works again");
      dropped++;
      deps.onDropped(stream, recvUs);
    },
  };

  function flushAll(): void {
    flushTimer = null;
    const nowUs = deps.nowUs();
    for (const track of tracks.values()) track.flush(nowUs);
  }

  /** Closes segments whose window is over although nothing more arrives, then sleeps until the next one is. */
  function rotateDue(): void {
    rotateTimer = null;
    const nowUs = deps.nowUs();
    let nextUs = Number.POSITIVE_INFINITY;
    for (const track of tracks.values()) {
      track.rotateIfDue(nowUs);
      nextUs = Math.min(nextUs, track.dueUs());
    }
    if (nextUs < Number.POSITIVE_INFINITY)
      rotateTimer = setTimeout(rotateDue, Math.max(5, (nextUs - nowUs) / 1000 + 5));
  }

  /** A disk that does not work even now costs what is in memory: it is said, counted, and a gap from first to last. */
  function dropUnwritten(track: Track): void {
    const left = track.unwritten();
    if (left === null) return;
    const { name } = track.stream;
    deps.log.error("the disk did not take the last records; they are lost", { stream: name, records: left.records });
    dropped += left.records;
    deps.onDropped(track.stream, left.fromUs);
    deps.onDropped(track.stream, left.toUs);
  }

  return {
    track(stream) {
      let track = tracks.get(stream);
      if (track === undefined) {
        track = createTrack(stream, trackOptions, events);
        tracks.set(stream, track);
      }
      return track;
    },
    release(stream) {
      const track = tracks.get(stream);
      if (track === undefined) return;
      const done = track.stop(deps.nowUs()).then(() => {
        dropUnwritten(track);
        releasing.delete(done);
      });
      releasing.add(done);
      tracks.delete(stream);
    },
    status: (stream) => tracks.get(stream)?.status() ?? null,
    dropped: () => dropped,
    failure: () => failure,
    stop() {
      stopped ??= (async () => {
        if (flushTimer !== null) clearTimeout(flushTimer);
        if (rotateTimer !== null) clearTimeout(rotateTimer);
        const nowUs = deps.nowUs();
        await Promise.all([...tracks.values()].map((track) => track.stop(nowUs)));
        for (const track of tracks.values()) dropUnwritten(track);
        await Promise.all(releasing);
      })();
      return stopped;
    },
  };
}
