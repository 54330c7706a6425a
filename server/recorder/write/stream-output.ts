import type { Stream } from "../../domain/stream.ts";
import { isPassing } from "./disk-errors.ts";
import type { LineBatch } from "./line-batches.ts";
import {
  createOpenSegment,
  type OpenSegment,
  type Restored,
  repairOpenSegment,
  settleAbandoned,
  writeAgain,
} from "./open-segment.ts";
import { type WriteFailure, writeFailureOf } from "./segment-file.ts";
import type { StreamWriterDeps, StreamWriterEvents, StreamWriterOptions } from "./stream-writer-types.ts";

type Open = OpenSegment & { readonly generation: number };

/**
 * The segment that a stream is written to: opened, watched, closed, given up when its descriptor fails for good. Only one of `open` and `check`
 * may be under way at a time, and nothing be written meanwhile.
 */
export function createStreamOutput(
  stream: Stream,
  options: StreamWriterOptions,
  events: Pick<StreamWriterEvents, "onClosed" | "onFailure" | "onTampered" | "onWritten">,
  { pace, places }: StreamWriterDeps,
) {
  const { dataDir } = options;
  let open: Open | null = null;
  /** Failed writes in a row on this descriptor that may have killed it. */
  let failures = 0;
  let openedMs = 0;
  /** Given up and not looked at since. */
  const abandoned: OpenSegment[] = [];
  const closing = new Set<Promise<void>>();

  function fail(operation: string, path: string, error: unknown): false {
    events.onFailure(stream, operation, path, writeFailureOf(error));
    return false;
  }

  function close(): void {
    if (open === null) return;
    const work = finish(open).finally(() => {
      closing.delete(work);
      places.giveBack();
    });
    open = null;
    closing.add(work);
  }

  async function finish(live: OpenSegment): Promise<void> {
    let last = live;
    const state = live.writer.inspect();
    if (state === "unreachable") {
      abandoned.push(live);
      await live.writer.close({ sync: false }).catch(() => {});
      return;
    }
    try {
      if (state !== "whole") last = await restore(live, state);
    } catch (error) {
      // What it held is looked for once the file system answers again.
      fail("write again", live.writer.path, error);
      abandoned.push(live);
      await live.writer.close({ sync: false }).catch(() => {});
      return;
    }
    try {
      await pace.turning("close", last.writer.path, () => last.writer.close({ sync: options.sync !== "never" }));
    } catch (error) {
      fail("close", last.writer.path, error);
    }
    // Also one that could not be synced: its sealed copy is synced, and compared with it before it goes.
    events.onClosed(last.segment, stream, last.written);
  }

  async function restore(live: OpenSegment, state: "unnamed" | "changed"): Promise<OpenSegment> {
    const restored: Restored =
      state === "unnamed" ? await writeAgain(dataDir, live, pace) : await repairOpenSegment(dataDir, live, pace);
    const what = state === "unnamed" ? "deleted or replaced" : "truncated or appended to";
    events.onTampered(stream, restored.live.writer.path, what, restored.loss);
    return restored.live;
  }

  async function settle(): Promise<boolean> {
    for (let live = abandoned[0]; live !== undefined; live = abandoned[0]) {
      try {
        const { bytes, loss, written } = await settleAbandoned(dataDir, live);
        abandoned.shift();
        if (loss !== null) events.onTampered(stream, live.writer.path, "lost with its file system", loss);
        if (bytes > 0) events.onClosed(live.segment, stream, written);
      } catch {
        // The file system does not answer yet. The next look tries again.
        return true;
      }
    }
    return true;
  }

  async function takePlace(): Promise<void> {
    if (places.take()) return;
    // Around a window's border the old files are still being closed.
    await Promise.all(closing);
    if (places.take()) return;
    throw Object.assign(
      new Error("EMFILE: too few descriptors for all streams; raise the limit (LimitNOFILE, ulimit -n)"),
      {
        code: "EMFILE",
      },
    );
  }

  return {
    /** The open segment if the batch belongs into it; another one is closed. */
    openFor({ windowEndUs, generation }: LineBatch): OpenSegment | null {
      if (open !== null && (open.windowEndUs !== windowEndUs || open.generation !== generation)) close();
      return open;
    },
    /** Opens a segment for the batch; false: it cannot be opened, which was reported. */
    async open({ firstUs, generation }: LineBatch): Promise<boolean> {
      try {
        await takePlace();
      } catch (error) {
        return fail("open", stream.name, error);
      }
      try {
        const live = await pace.turning("open a segment of", stream.name, () =>
          createOpenSegment(options, stream, firstUs, pace),
        );
        open = { ...live, generation };
        openedMs = performance.now();
        failures = 0;
      } catch (error) {
        places.giveBack();
        return fail("open", stream.name, error);
      }
      return settle();
    },
    /** A batch was written. */
    onWritten(): void {
      failures = 0;
      if (open !== null && open.writer.bytes() >= options.maxSegmentBytes) close();
    },
    /** A batch could not be written; at the second time in a row the descriptor is given up, unless the disk is only full. */
    onWriteFailed(failure: NonNullable<WriteFailure>): void {
      events.onFailure(stream, "write", open?.writer.path ?? stream.name, failure);
      if (open === null || isPassing(failure.code) || ++failures < 2) return;
      const live = open;
      open = null;
      abandoned.push(live);
      const work = live.writer
        .close({ sync: false })
        .catch(() => {})
        .finally(() => {
          closing.delete(work);
          places.giveBack();
        });
      closing.add(work);
    },
    /** Looks at the file, and at those that were given up; null if there is nothing to be done. */
    check(): Promise<boolean> | null {
      const live = open;
      if (live === null) return abandoned.length > 0 ? settle() : null;
      const state = live.writer.inspect();
      if (state === "whole") live.written.confirm();
      if (state === "whole" && abandoned.length > 0) return settle();
      if (state === "whole" || state === "unreachable") return null;
      return restore(live, state).then(
        (restored) => {
          open = { ...restored, generation: live.generation };
          events.onWritten(stream, 0);
          return true;
        },
        (error) => fail("write again", live.writer.path, error),
      );
    },
    close,
    /** Since when the segment is open, ms of the monotonic clock; null if none is. */
    openedMs: () => (open === null ? null : openedMs),
    windowEndUs: () => open?.windowEndUs ?? Number.POSITIVE_INFINITY,
    /** Closes; resolves when all is on disk that can be. */
    async stop(): Promise<void> {
      close();
      await Promise.all(closing);
      await settle();
    },
  };
}
