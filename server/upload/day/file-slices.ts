import { open } from "../../platform/files/files-async.ts";
import type { Body } from "../store/signed-request.ts";

/** A file that stays the one that was opened, even if another one is put under its name meanwhile. */
export type OpenFile = Awaited<ReturnType<typeof open>>;

/** As much as is read, hashed and sent at once: hashing it takes the main thread well below a millisecond. */
const sliceBytes = 128 * 1024;

/** Opens a file for `work` and closes it again. */
export async function withFile<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** The bytes of a file from `from` up to `to`, in slices that are the caller's to keep. Throws if the file is shorter. */
export async function* readSlices(file: OpenFile, from: number, to: number): AsyncGenerator<Uint8Array, void> {
  for (let at = from; at < to; ) {
    const slice = new Uint8Array(Math.min(sliceBytes, to - at));
    const { bytesRead } = await file.read(slice, 0, slice.length, at);
    if (bytesRead === 0) throw new Error(`the file ends after ${at} of ${to} bytes`);
    at += bytesRead;
    yield slice.subarray(0, bytesRead);
  }
}

/** A part of a file as a request's body; `beforeSlice` is waited for and sees every slice on its way. */
export function fileBody(
  file: OpenFile,
  from: number,
  to: number,
  beforeSlice: (slice: Uint8Array) => Promise<void>,
): Body {
  return {
    bytes: to - from,
    open() {
      const slices = readSlices(file, from, to);
      return new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const { done, value } = await slices.next();
            if (done) return controller.close();
            await beforeSlice(value);
            controller.enqueue(value);
          },
          async cancel() {
            await slices.return();
          },
        },
        { highWaterMark: 0 },
      );
    },
  };
}
