import { constants, zstdDecompressSync } from "node:zlib";
import { open } from "../../platform/files/files-async.ts";

/** Bytes to read: first, and then if those hold no whole line. And most bytes that they may unpack to. */
const pieces = [8 * 1024, 64 * 1024];
const mostUnpacked = 2 * 1024 * 1024;

/** Decompresses the whole blocks and ignores an incomplete last block. */
const asFarAsItGoes = { finishFlush: constants.ZSTD_e_flush, maxOutputLength: mostUnpacked };

const newline = 10;

/**
 * Reads the first whole lines of a segment, raw or sealed, from a small piece of the file. Null if the piece holds no line or the file
 * does not exist. Never rejects.
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
    // A reader of the whole file reports what is wrong with it.
  }
  return null;
}
