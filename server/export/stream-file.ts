import { messageOf } from "../platform/errors.ts";
import { closeSync, openDescriptor } from "../platform/files/files.ts";
import { unlessAborted } from "../platform/time/deadline.ts";
import type { OutputFile } from "./table-file.ts";
import type { Target } from "./target.ts";

/** Access to streams of this process. */
export type StreamDeps = {
  /** Writes bytes. Resolves with true when the reader took all of them; false if the reader is gone or the process must stop. */
  readonly write: (fd: number, bytes: Uint8Array, name: string) => Promise<boolean>;
  readonly stop: AbortSignal;
};

/** The reader closed a stream before its end. */
export class ReaderGone extends Error {}

/** Creates an output to a FIFO, device or descriptor. It waits for a FIFO's reader and for a slow reader. @throws errors with the path */
export function createStreamFile(target: Target & { kind: "stream" }, deps: StreamDeps): OutputFile {
  const { path } = target;
  let opening: Promise<number> | null = target.fd === null ? null : Promise.resolve(target.fd);
  let written: Promise<void> = Promise.resolve();
  let waits = false;
  let bytes = 0;

  async function send(before: Promise<void>, chunk: Uint8Array): Promise<void> {
    await before;
    opening ??= openToWrite(path);
    const fd = await unlessAborted(opening, deps.stop).catch((error: unknown) => {
      throw deps.stop.aborted ? new Error(`the export was stopped; ${path} was not written`) : error;
    });
    if (await deps.write(fd, chunk, path)) return;
    if (deps.stop.aborted) throw new Error(`the export was stopped; ${path} was not written to its end`);
    throw new ReaderGone(`${path} was not written to its end: its reader is gone`);
  }

  return {
    write(chunk) {
      bytes += chunk.length;
      // Copy the bytes, because the caller reuses its buffer.
      written = send(written, Uint8Array.from(chunk));
      written.catch(() => {});
      waits = true;
    },
    async taken() {
      waits = false;
      await written;
    },
    waits: () => waits,
    bytes: () => bytes,
    async commit() {
      await written;
      await close();
    },
    discard() {
      void close();
    },
  };

  async function close(): Promise<void> {
    if (target.fd !== null || opening === null) return;
    const opened = opening;
    opening = null;
    try {
      closeSync(await opened);
    } catch {
      // The stream was never opened; `send` has already reported that.
    }
  }
}

/** Opens a path in a thread of the pool, because opening a FIFO blocks until it has a reader. */
function openToWrite(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    openDescriptor(path, writeOnly, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(new Error(`cannot write ${path}: ${messageOf(error)}`, { cause: error }));
    });
  });
}

const writeOnly = 1;
