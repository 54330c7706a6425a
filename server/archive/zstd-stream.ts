import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { driveZstd } from "../zstd-pieces.ts";
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

const nothing = new Uint8Array(0);

function drive(
  stream: { close(): void },
  go: number,
  finish: number,
  onBytes: (bytes: Uint8Array) => void,
): ZstdStream {
  const { step, close } = driveZstd(stream);
  const pass = (bytes: Uint8Array, flush: number) => {
    for (const piece of step(bytes, flush)) onBytes(piece);
  };
  return { write: (bytes) => pass(bytes, go), end: () => pass(nothing, finish), close };
}
