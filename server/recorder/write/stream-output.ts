import type { Stream } from "../../domain/stream.ts";
import { isPassing } from "./disk-errors.ts";
import type { LineBatch } from "./line-batches.ts";
import {
  createOpenSegment,
  type OpenSegment,
  type Restored,
  repairAbandoned,
  repairOpenSegment,
  writeAgain,
} from "./open-segment.ts";
import { type WriteFailure, writeFailureOf } from "./segment-file.ts";
import type { StreamWriterDeps, StreamWriterEvents, StreamWriterOptions } from "./stream-writer-types.ts";

type Open = OpenSegment & { readonly generation: number };

/**
 * Creates the output of a stream: the open segment and the segments that were abandoned. Run only one of `open` and `check` at a time, and do
 * not write meanwhile.
 *
 * | segment   | event                                     | next                                                              |
 * |-----------|-------------------------------------------|-------------------------------------------------------------------|
 * | none      | `open`                                    | open, with a descriptor from the budget                           |
 * | open      | window or generation ends, size reached   | closed: synced and reported by `onClosed`                         |
 * | open      | two failed writes in a row, not disk full | abandoned                                                         |
 * | open      | changed or unnamed on disk                | restored and reported by `onTampered`; if that fails on close: abandoned |
 * | abandoned | its file system answers again             | repaired; the lost part is reported, the rest is closed           |
 */
export function createStreamOutput(
  stream: Stream,
  options: StreamWriterOptions,
  events: Pick<StreamWriterEvents, "onClosed" | "onFailure" | "onTampered" | "onWritten">,
  { writeLatency, descriptorBudget }: StreamWriterDeps,
) {
  const { dataDir } = options;
  let open: Open | null = null;
  /** Consecutive failed writes on this descriptor that may mean that it has failed for good. */
  let failures = 0;
  let openedMs = 0;
  /** Segments whose descriptor failed for good, to be repaired when their file system answers. */
  const abandoned: OpenSegment[] = [];
  const closing = new Set<Promise<void>>();

  function fail(operation: string, path: string, error: unknown): false {
    events.onFailure(stream, operation, path, writeFailureOf(error));
    return false;
  }

  function close(): void {
    if (open === null) return;
    const work = closeSegment(open).finally(() => {
      closing.delete(work);
      descriptorBudget.giveBack();
    });
    open = null;
    closing.add(work);
  }

  async function closeSegment(openSegment: OpenSegment): Promise<void> {
    let complete = openSegment;
    const state = openSegment.writer.inspect();
    if (state === "unreachable") {
      abandoned.push(openSegment);
      await openSegment.writer.close({ sync: false }).catch(() => {});
      return;
    }
    try {
      if (state !== "whole") complete = await restore(openSegment, state);
    } catch (error) {
      // Its records are checked when the file system answers again.
      fail("write again", openSegment.writer.path, error);
      abandoned.push(openSegment);
      await openSegment.writer.close({ sync: false }).catch(() => {});
      return;
    }
    try {
      await writeLatency.timedRotation("close", complete.writer.path, () =>
        complete.writer.close({ sync: options.sync !== "never" }),
      );
    } catch (error) {
      fail("close", complete.writer.path, error);
    }
    // A segment that could not be synced is reported too: its sealed copy is synced and compared with it.
    events.onClosed(complete.segment, stream, complete.written);
  }

  async function restore(openSegment: OpenSegment, state: "unnamed" | "changed"): Promise<OpenSegment> {
    const restored: Restored =
      state === "unnamed"
        ? await writeAgain(options, openSegment, writeLatency)
        : await repairOpenSegment(dataDir, openSegment, writeLatency);
    const tampering = state === "unnamed" ? "deleted or replaced" : "truncated or appended to";
    events.onTampered(stream, restored.open.writer.path, tampering, restored.loss);
    return restored.open;
  }

  async function repairAbandonedSegments(): Promise<boolean> {
    for (let openSegment = abandoned[0]; openSegment !== undefined; openSegment = abandoned[0]) {
      try {
        const { bytes, loss, written } = await repairAbandoned(dataDir, openSegment);
        abandoned.shift();
        if (loss !== null) events.onTampered(stream, openSegment.writer.path, "lost with its file system", loss);
        if (bytes > 0) events.onClosed(openSegment.segment, stream, written);
      } catch {
        // The file system does not answer yet. The next check tries again.
        return true;
      }
    }
    return true;
  }

  async function acquireDescriptor(): Promise<void> {
    if (descriptorBudget.acquire()) return;
    // At the end of a window the old files are still being closed.
    await Promise.all(closing);
    if (descriptorBudget.acquire()) return;
    const message = "EMFILE: too few descriptors for all streams; raise the limit (LimitNOFILE, ulimit -n)";
    throw Object.assign(new Error(message), { code: "EMFILE" });
  }

  return {
    /** Returns the open segment if the batch belongs to it; otherwise closes it and returns null. */
    openFor({ windowEndUs, generation }: LineBatch): OpenSegment | null {
      if (open !== null && (open.windowEndUs !== windowEndUs || open.generation !== generation)) close();
      return open;
    },
    /** Opens a segment for the batch; false if that failed, which was reported. */
    async open({ firstUs, generation }: LineBatch): Promise<boolean> {
      try {
        await acquireDescriptor();
      } catch (error) {
        return fail("open", stream.name, error);
      }
      // First, because the name of an abandoned segment is free if its file is away, and must not be taken for its own file's later.
      await repairAbandonedSegments();
      try {
        const openSegment = await writeLatency.timedRotation("open a segment of", stream.name, () =>
          createOpenSegment(options, stream, firstUs, writeLatency),
        );
        open = { ...openSegment, generation };
        openedMs = performance.now();
        failures = 0;
      } catch (error) {
        descriptorBudget.giveBack();
        return fail("open", stream.name, error);
      }
      return true;
    },
    /** A batch was written. */
    onWritten(): void {
      failures = 0;
      if (open !== null && open.writer.bytes() >= options.maxSegmentBytes) close();
    },
    /** A batch could not be written. After the second failure in a row the segment is abandoned, unless the disk is only full. */
    onWriteFailed(failure: NonNullable<WriteFailure>): void {
      events.onFailure(stream, "write", open?.writer.path ?? stream.name, failure);
      if (open === null || isPassing(failure.code) || ++failures < 2) return;
      const openSegment = open;
      open = null;
      abandoned.push(openSegment);
      const work = openSegment.writer
        .close({ sync: false })
        .catch(() => {})
        .finally(() => {
          closing.delete(work);
          descriptorBudget.giveBack();
        });
      closing.add(work);
    },
    /** Checks the file and the abandoned segments; null if no work is needed. */
    check(): Promise<boolean> | null {
      const openSegment = open;
      if (openSegment === null) return abandoned.length > 0 ? repairAbandonedSegments() : null;
      const state = openSegment.writer.inspect();
      if (state === "whole") openSegment.written.confirm();
      if (state === "whole" && abandoned.length > 0) return repairAbandonedSegments();
      if (state === "whole" || state === "unreachable") return null;
      return restore(openSegment, state).then(
        (restored) => {
          open = { ...restored, generation: openSegment.generation };
          events.onWritten(stream, 0);
          return true;
        },
        (error) => fail("write again", openSegment.writer.path, error),
      );
    },
    close,
    /** Since when the segment is open, ms of the monotonic clock; null if no segment is open. */
    openedMs: () => (open === null ? null : openedMs),
    windowEndUs: () => open?.windowEndUs ?? Number.POSITIVE_INFINITY,
    /** Closes the segment. Resolves when all lines are on disk that the disk accepts. */
    async stop(): Promise<void> {
      close();
      await Promise.all(closing);
      await repairAbandonedSegments();
    },
  };
}
