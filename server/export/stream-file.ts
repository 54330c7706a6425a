import { messageOf } from "../platform/errors.ts";
import { closeSync, open } from "../platform/files/files.ts";
import type { OutputFile } from "./table-file.ts";
import type { Target } from "./target.ts";

/** How a stream is written to by this process. */
export type StreamDeps = {
  /** Resolves true when all is taken, false once nobody reads any more or the process was asked to stop. */
  readonly write: (fd: number, bytes: Uint8Array, name: string) => Promise<boolean>;
  readonly stop: AbortSignal;
};

/** Nobody reads a stream any more, before its end. */
export class ReaderGone extends Error {}

/** Begins to write to something that is no file. A FIFO waits for its reader; a large file waits for a slow reader. Errors name the path. */
export function createStreamFile(target: Target & { kind: "stream" }, deps: StreamDeps): OutputFile {
  const { path } = target;
  let opening: Promise<number> | null = target.fd === null ? null : Promise.resolve(target.fd);
  let written: Promise<void> = Promise.resolve();
  let waits = false;
  let bytes = 0;

  async function send(before: Promise<void>, chunk: Uint8Array): Promise<void> {
    await before;
    opening ??= openToWrite(path);
    const fd = await Promise.race([opening, aborted(deps.stop)]);
    if (fd === null) throw new Error(`the export was stopped; nothing was written to ${path}`);
    if (await deps.write(fd, chunk, path)) return;
    if (deps.stop.aborted) throw new Error(`the export was stopped; ${path} was not written to its end`);
    throw new ReaderGone(`${path} was not written to its end: nobody reads it any more`);
  }

  return {
    write(chunk) {
      bytes += chunk.length;
      // The caller goes on using its buffer.
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
      // It could not be opened.
    }
  }
}

function aborted(stop: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(null);
    stop.addEventListener("abort", () => resolve(null), { once: true });
  });
}

/** In a thread of the pool, since a FIFO without a reader lets it wait. */
function openToWrite(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(path, writeOnly, (error, fd) => {
      if (error === null) resolve(fd);
      else reject(new Error(`cannot write ${path}: ${messageOf(error)}`, { cause: error }));
    });
  });
}

const writeOnly = 1;
