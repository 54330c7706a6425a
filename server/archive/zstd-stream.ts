import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { settingsOf } from "./compression-level.ts";

/** Bytes in, bytes out, in the calling thread. What is handed out is valid only during the call. */
export type ZstdStream = {
  write(bytes: Uint8Array): void;
  /** Ends the frame (compressing) or hands out what is left (decompressing). */
  end(): void;
  /** Gives the native memory back. Idempotent. */
  close(): void;
};

/**
 * Compresses into one frame with content checksum. Works in the calling thread rather than in the pool that the main
 * thread's file operations share, so that a worker of low priority keeps the work to itself.
 */
export function createCompressor(level: number, onBytes: (bytes: Uint8Array) => void): ZstdStream {
  const params = settingsOf(level);
  return drive(createZstdCompress({ params }), constants.ZSTD_e_continue, constants.ZSTD_e_end, onBytes);
}

/**
 * Decompresses; throws on corrupt data and wrong checksums, but **not** on truncated data: Bun's decoder lets that pass, so
 * that whoever reads must look at the frame's shape as well.
 */
export function createDecompressor(onBytes: (bytes: Uint8Array) => void): ZstdStream {
  const { ZSTD_d_windowLogMax } = constants;
  return drive(createZstdDecompress({ params: { [ZSTD_d_windowLogMax]: 27 } }), 0, 0, onBytes);
}

/** The part of node:zlib's binding that its own synchronous functions are made of. */
type Handle = {
  onerror: (message: string, errno: number, code: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
};

const outputBytes = 256 * 1024;
const nothing = new Uint8Array(0);

function drive(
  stream: { close(): void },
  go: number,
  finish: number,
  onBytes: (bytes: Uint8Array) => void,
): ZstdStream {
  const { _handle: handle, _writeState: left } = stream as unknown as { _handle: Handle; _writeState: Uint32Array };
  if (typeof handle?.writeSync !== "function" || left?.length !== 2) {
    throw new Error(
      "this runtime's node:zlib has no synchronous streams; run RT-Data with the Bun version it is pinned to",
    );
  }
  const output = new Uint8Array(outputBytes);
  let failure: string | null = null;
  let closed = false;
  handle.onerror = (message, _errno, code) => {
    failure = `${message} (${code})`;
  };

  function step(bytes: Uint8Array, flush: number): void {
    let offset = 0;
    for (;;) {
      const before = bytes.length - offset;
      handle.writeSync(flush, bytes, offset, before, output, 0, outputBytes);
      if (failure !== null) throw new Error(failure);
      const [outputLeft = 0, inputLeft = 0] = left;
      offset += before - inputLeft;
      if (outputLeft < outputBytes) onBytes(output.subarray(0, outputBytes - outputLeft));
      if (outputLeft > 0 && inputLeft === 0) return;
    }
  }

  return {
    write: (bytes) => step(bytes, go),
    end: () => step(nothing, finish),
    close() {
      if (!closed) stream.close();
      closed = true;
    },
  };
}
