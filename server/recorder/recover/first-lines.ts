import { constants, zstdDecompressSync } from "node:zlib";
import { open } from "../../platform/files/files-async.ts";

/** Bytes of a file that are read, at first and where they hold no line; and most that they may unpack to. */
const pieces = [8 * 1024, 64 * 1024];
const mostUnpacked = 2 * 1024 * 1024;

/** A part of a block says nothing, but blocks before it do. */
const asFarAsItGoes = { finishFlush: constants.ZSTD_e_flush, maxOutputLength: mostUnpacked };

const newline = 10;

/**
 * Whole lines at the beginning of a segment, raw or sealed, for the price of a look; null where a look does not suffice, or the file
 * is not there. Never rejects.
 */
export async function readFirstLines(path: string): Promise<Buffer | null> {
  try {
    const file = await open(path, "r");
    try {
      for (const size of pieces) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(size), 0, size, 0);
        const bytes = buffer.subarray(0, bytesRead);
        const lines = path.endsWith(".zst") ? zstdDecompressSync(bytes, asFarAsItGoes) : bytes;
        const end = lines.lastIndexOf(newline) + 1;
        if (end > 0) return lines.subarray(0, end);
        if (bytesRead < size) return null;
      }
    } finally {
      await file.close();
    }
  } catch {
    // Whoever reads the whole file is told what is wrong with it.
  }
  return null;
}
