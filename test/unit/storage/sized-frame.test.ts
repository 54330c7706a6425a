import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { archivePath } from "../../../server/domain/day.ts";
import { readManifest } from "../../../server/storage/manifest.ts";
import { createSizedFrame } from "../../../server/storage/zstd/sized-frame.ts";
import { createFrameWalker } from "../../../server/storage/zstd/zstd-frame.ts";
import { createCompressor } from "../../../server/storage/zstd/zstd-stream.ts";
import { archiveHere, day, temporaryData, writeDay } from "../../support/data/day-fixture.ts";

let dataDir = "";
let remove = () => {};
beforeAll(() => {
  ({ dataDir, remove } = temporaryData());
});
afterAll(() => remove());

/** The content size that a frame's header names; null if it names none. Source: RFC 8878, section 3.1.1.1. */
function contentBytes(frame: Uint8Array): bigint | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const descriptor = view.getUint8(4);
  if ((descriptor & 0xe0) === 0x20) return BigInt(view.getUint8(5));
  return descriptor >> 6 === 3 && (descriptor & 0x20) === 0 ? view.getBigUint64(6, true) : null;
}

test.each([0, 1, 5000, 3_000_000])("a frame names the size of its content, %p bytes, and unpacks to it", (length) => {
  const content = Buffer.alloc(length, "a line that repeats itself\n");
  const parts: Uint8Array[] = [];
  const frame = createSizedFrame((bytes) => parts.push(bytes.slice()));
  // One byte at a time in the beginning: the header may arrive in pieces.
  const compressor = createCompressor(3, (bytes) => {
    for (const byte of bytes.subarray(0, 10)) frame.write(Uint8Array.of(byte));
    if (bytes.length > 10) frame.write(bytes.subarray(10));
  });
  if (length > 0) compressor.write(content);
  compressor.end();
  compressor.close();
  const file = Buffer.concat(parts);
  file.set(frame.header(length));
  expect(contentBytes(file)).toBe(BigInt(length));
  expect(zstdDecompressSync(file).equals(content)).toBe(true);
  const walker = createFrameWalker();
  walker.push(file);
  expect(walker.shape()).toEqual({ frames: 1, complete: true, checksum: true });
});

test("an archive names the size of its lines, as its manifest does", async () => {
  await archiveHere(dataDir, writeDay(dataDir));
  const archive = readFileSync(archivePath(dataDir, day));
  const manifest = readManifest(dataDir, day);
  expect(contentBytes(archive)).toBe(BigInt(manifest?.raw_bytes ?? 0));
  expect(manifest?.compressed_sha256).toBe(new Bun.CryptoHasher("sha256").update(archive).digest("hex"));
  expect(zstdDecompressSync(archive)).toHaveLength(manifest?.raw_bytes ?? 0);
});
