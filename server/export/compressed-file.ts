import { constants, createGzip, createZstdCompress } from "node:zlib";
import { driveZstd } from "../storage/zstd/zstd-pieces.ts";
import { settingsOf } from "../storage/zstd/zstd-stream.ts";
import type { OutputFile } from "./table-file.ts";

/** Compressions of a whole output, by the ending of its path. */
const packings = ["gz", "zst"] as const;
export type Packing = (typeof packings)[number];

/** Returns the compression that the ending of a path asks for; null for none. */
export function packingOf(path: string): Packing | null {
  return packings.find((packing) => path.endsWith(`.${packing}`)) ?? null;
}

/** zstd's default level. */
const zstdLevel = 3;

/** Compresses an output: one gzip member, or one zstd frame with a checksum, because many readers stop after the first. */
export function createCompressedFile(file: OutputFile, packing: Packing): OutputFile {
  const isGzip = packing === "gz";
  const { step, close } = driveZstd(isGzip ? createGzip() : createZstdCompress({ params: settingsOf(zstdLevel) }));
  const [more, end] = isGzip
    ? [constants.Z_NO_FLUSH, constants.Z_FINISH]
    : [constants.ZSTD_e_continue, constants.ZSTD_e_end];

  function pass(bytes: Uint8Array, flush: number): void {
    for (const piece of step(bytes, flush)) file.write(piece);
  }

  return {
    ...file,
    write: (bytes) => pass(bytes, more),
    async commit() {
      pass(new Uint8Array(0), end);
      close();
      await file.commit();
    },
    discard() {
      close();
      file.discard();
    },
  };
}
