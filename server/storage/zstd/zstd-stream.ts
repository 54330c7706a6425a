import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { driveZstd } from "./zstd-pieces.ts";

/** Transforms bytes in the calling thread. Output is valid only during the callback. */
export type ZstdStream = {
  write(bytes: Uint8Array): void;
  /** Ends the frame (compressor), or outputs the rest (decompressor). */
  end(): void;
  /** Frees the native memory. Idempotent. */
  close(): void;
};

/**
 * Compresses into one frame with a content checksum.
 * Works in the calling thread, not in the pool shared with the main thread's file operations, so that a low-priority worker does all its
 * work itself.
 */
export function createCompressor(level: number, onBytes: (bytes: Uint8Array) => void): ZstdStream {
  const params = settingsOf(level);
  return drive(createZstdCompress({ params }), constants.ZSTD_e_continue, constants.ZSTD_e_end, onBytes);
}

/**
 * Decompresses. Throws on corrupt data and wrong checksums, but **not** on truncated data.
 * Bun's decoder accepts truncated frames, so readers must also check the frame structure.
 */
export function createDecompressor(onBytes: (bytes: Uint8Array) => void): ZstdStream {
  const { ZSTD_d_windowLogMax } = constants;
  return drive(createZstdDecompress({ params: { [ZSTD_d_windowLogMax]: 27 } }), 0, 0, onBytes);
}

const emptyBytes = new Uint8Array(0);

function drive(
  stream: { close(): void },
  continueMode: number,
  endMode: number,
  onBytes: (bytes: Uint8Array) => void,
): ZstdStream {
  const { step, close } = driveZstd(stream);
  const pass = (bytes: Uint8Array, flush: number) => {
    for (const piece of step(bytes, flush)) onBytes(piece);
  };
  return { write: (bytes) => pass(bytes, continueMode), end: () => pass(emptyBytes, endMode), close };
}

/**
 * Returns zstd parameters for a level. Levels 16 to 19 use our own parameters, all others zstd's.
 * A record repeats most of the previous record, so small search tables, which stay in the cache, find nearly as much as zstd's own tables
 * of 16 to 80 MB. Measured on real depth20 data: our 19 comes within 1 % of zstd's 19 in about 0.6 of its time; our 16 to 18 are smaller
 * and faster than zstd's 16.
 */
export function settingsOf(level: number): Record<number, number> {
  const base = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  if (level < 16 || level > 19) return base;
  return {
    ...base,
    [constants.ZSTD_c_windowLog]: 23,
    [constants.ZSTD_c_chainLog]: 17,
    [constants.ZSTD_c_hashLog]: 17,
    [constants.ZSTD_c_searchLog]: 6,
    [constants.ZSTD_c_minMatch]: 3,
    [constants.ZSTD_c_targetLength]: level === 19 ? 256 : 64,
    [constants.ZSTD_c_strategy]: constants.ZSTD_btultra,
  };
}
