import { openLines, UnreadableFile } from "./line-source.ts";

/** Does an archive decompress to lines of this SHA-256? A damaged one does not. */
export function hasSameLines(archive: string, sha256: string): boolean {
  const hash = new Bun.CryptoHasher("sha256");
  const source = openLines(archive);
  try {
    while (source.fill()) {
      hash.update(source.bytes.subarray(source.from, source.to));
      source.from = source.to;
    }
    return source.tail().length === 0 && hash.digest("hex") === sha256;
  } catch (error) {
    if (error instanceof UnreadableFile) return false;
    throw error;
  } finally {
    source.close();
  }
}
