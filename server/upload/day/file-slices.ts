import { open } from "../../platform/files/files-async.ts";
import type { Body } from "../store/signed-request.ts";

/** An open file. It stays the same file even if its path is replaced meanwhile. */
export type OpenFile = Awaited<ReturnType<typeof open>>;

/** Bytes read, hashed and sent at once. Hashing them blocks the main thread for well below a millisecond. */
const sliceBytes = 128 * 1024;

/** Opens a file, runs `work` and closes the file. */
export async function withFile<T>(path: string, work: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await open(path, "r");
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/** Yields the bytes of a file from `from` (inclusive) to `to` (exclusive). The caller may keep the slices. @throws if it is shorter */
export async function* readSlices(file: OpenFile, from: number, to: number): AsyncGenerator<Uint8Array, void> {
  for (let at = from; at < to; ) {
    const slice = new Uint8Array(Math.min(sliceBytes, to - at));
    const { bytesRead } = await file.read(slice, 0, slice.length, at);
    if (bytesRead === 0) throw new Error(`the file ends after ${at} of ${to} bytes`);
    at += bytesRead;
    yield slice.subarray(0, bytesRead);
  }
}

/** Makes a request body of a part of a file, with its MD5. `beforeSlice` is awaited with each slice before it is sent. */
export function fileBody(
  file: OpenFile,
  { from, to, md5 }: { readonly from: number; readonly to: number; readonly md5: Buffer },
  beforeSlice: (slice: Uint8Array) => Promise<void>,
): Body {
  return {
    bytes: to - from,
    md5: md5.toString("base64"),
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
