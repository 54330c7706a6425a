import { constants, crc32, createDeflateRaw } from "node:zlib";
import { driveZstd } from "../../storage/zstd/zstd-pieces.ts";
import type { DraftFile } from "../draft-file.ts";
import { joinedCrc } from "./joined-crc.ts";

/** A field of a structured numpy array: its name and its type, all little-endian and of 8 bytes. */
export type NpyField = readonly [name: string, type: "<u8" | "<i8" | "<f8"];

/** Writes one structured array as `data.npy` in a ZIP file, which numpy, hftbacktest's Python and its Rust reader open. */
export type NpzFile = {
  /** Adds the bytes of whole rows. */
  write(rows: Uint8Array): void;
  /** Completes the file, without making it visible, and returns its size in bytes. */
  finish(): number;
  /** Makes the file visible. */
  commit(): Promise<void>;
  discard(): void;
};

const entryName = "data.npy";
/** Least level: a day of a busy symbol has gigabytes, and the next levels save little of it. */
const level = 1;
/** numpy leaves room for a count of 21 digits, so that a header can be rewritten in its place. */
const countDigits = 21;
const alignment = 64;

/**
 * Creates the file. The number of rows is known only at the end, but it is part of the header before the rows. So the header is a block
 * of deflate that is stored uncompressed, and its bytes are replaced at the end:
 *
 * ```text
 * local header of ZIP (sizes and CRC-32: at the end)
 * 0x00 LEN ~LEN header of numpy (number of rows: at the end)      a stored block of deflate
 * rows                                                            further blocks of deflate
 * central directory
 * ```
 */
export function createNpzFile(file: DraftFile, fields: readonly NpyField[]): NpzFile {
  const { step, close } = driveZstd(createDeflateRaw({ level }));
  const headerBytes = npyHeader(fields, 0).length;
  let rawBytes = 0;
  let rowsCrc = 0;
  const deflatedFrom = localHeader(0, 0, 0).length;
  file.write(localHeader(0, 0, 0));
  file.write(storedBlock(npyHeader(fields, 0)));

  function pass(rows: Uint8Array, flush: number): void {
    for (const piece of step(rows, flush)) file.write(piece);
  }

  return {
    write(rows) {
      rawBytes += rows.length;
      rowsCrc = crc32(rows, rowsCrc);
      pass(rows, constants.Z_NO_FLUSH);
    },
    finish() {
      pass(new Uint8Array(0), constants.Z_FINISH);
      close();
      const header = npyHeader(fields, rawBytes / (fields.length * 8));
      const crc = joinedCrc(crc32(header), rowsCrc, rawBytes);
      const entryEnd = file.bytes();
      const deflated = entryEnd - deflatedFrom;
      file.write(directory(crc, deflated, headerBytes + rawBytes, entryEnd));
      file.overwrite(0, localHeader(crc, deflated, headerBytes + rawBytes));
      file.overwrite(deflatedFrom, storedBlock(header));
      return file.bytes();
    },
    commit: file.commit,
    discard() {
      close();
      file.discard();
    },
  };
}

/** Returns the bytes before the rows of a `.npy` file, version 1.0, as numpy writes them: a multiple of 64. */
export function npyHeader(fields: readonly NpyField[], rows: number): Uint8Array {
  const descr = fields.map(([name, type]) => `('${name}', '${type}')`).join(", ");
  const text = `{'descr': [${descr}], 'fortran_order': False, 'shape': (${rows},), }`;
  const longest = text.length + countDigits - String(rows).length;
  const length = Math.ceil((10 + longest + 1) / alignment) * alignment;
  const bytes = Buffer.alloc(length, " ");
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  bytes.writeUInt16LE(length - 10, 8);
  bytes.write(text, 10, "latin1");
  bytes[length - 1] = 0x0a;
  return bytes;
}

/** Returns a block of deflate that holds bytes as they are and is not the last block. */
function storedBlock(bytes: Uint8Array): Uint8Array {
  const block = Buffer.alloc(5 + bytes.length);
  block.writeUInt16LE(bytes.length, 1);
  block.writeUInt16LE(bytes.length ^ 0xffff, 3);
  block.set(bytes, 5);
  return block;
}

/** First day that ZIP can name, so that the same records make the same bytes. */
const date1980 = 0x0021;
const zip64Version = 45;
const deflateMethod = 8;
const most32 = 0xffff_ffff;

/** Always with the 64-bit sizes, as numpy writes it: the size is unknown when it is written. */
function localHeader(crc: number, deflated: number, size: number): Uint8Array {
  const bytes = Buffer.alloc(30 + entryName.length + 20);
  bytes.writeUInt32LE(0x04034b50, 0);
  bytes.writeUInt16LE(zip64Version, 4);
  bytes.writeUInt16LE(deflateMethod, 8);
  bytes.writeUInt16LE(date1980, 12);
  bytes.writeUInt32LE(crc, 14);
  bytes.writeUInt32LE(most32, 18);
  bytes.writeUInt32LE(most32, 22);
  bytes.writeUInt16LE(entryName.length, 26);
  bytes.writeUInt16LE(20, 28);
  bytes.write(entryName, 30, "latin1");
  bytes.set(sizes64(size, deflated), 30 + entryName.length);
  return bytes;
}

/** The extra field with the sizes in 64 bits. */
function sizes64(size: number, deflated: number): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(1, 0);
  bytes.writeUInt16LE(16, 2);
  bytes.writeBigUInt64LE(BigInt(size), 4);
  bytes.writeBigUInt64LE(BigInt(deflated), 12);
  return bytes;
}

/** The central directory and the end records, `at` this position of the file. */
function directory(crc: number, deflated: number, size: number, at: number): Uint8Array {
  const isLarge = deflated >= most32 || size >= most32;
  const extra = isLarge ? sizes64(size, deflated) : new Uint8Array(0);
  const entry = Buffer.alloc(46 + entryName.length);
  entry.writeUInt32LE(0x02014b50, 0);
  entry.writeUInt16LE(zip64Version, 4);
  entry.writeUInt16LE(zip64Version, 6);
  entry.writeUInt16LE(deflateMethod, 10);
  entry.writeUInt16LE(date1980, 14);
  entry.writeUInt32LE(crc, 16);
  entry.writeUInt32LE(isLarge ? most32 : deflated, 20);
  entry.writeUInt32LE(isLarge ? most32 : size, 24);
  entry.writeUInt16LE(entryName.length, 28);
  entry.writeUInt16LE(extra.length, 30);
  // A file for its owner to write and for all to read, as numpy marks it.
  entry.writeUInt32LE(0o100644 * 0x10000, 38);
  entry.write(entryName, 46, "latin1");
  const length = entry.length + extra.length;
  const tail = at >= most32 ? end64(length, at) : new Uint8Array(0);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(length, 12);
  end.writeUInt32LE(Math.min(at, most32), 16);
  return Buffer.concat([entry, extra, tail, end]);
}

/** The end record in 64 bits and its locator, for a directory beyond 4 GiB. */
function end64(length: number, at: number): Uint8Array {
  const bytes = Buffer.alloc(76);
  bytes.writeUInt32LE(0x06064b50, 0);
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE(zip64Version, 12);
  bytes.writeUInt16LE(zip64Version, 14);
  bytes.writeBigUInt64LE(1n, 24);
  bytes.writeBigUInt64LE(1n, 32);
  bytes.writeBigUInt64LE(BigInt(length), 40);
  bytes.writeBigUInt64LE(BigInt(at), 48);
  bytes.writeUInt32LE(0x07064b50, 56);
  bytes.writeBigUInt64LE(BigInt(at + length), 64);
  bytes.writeUInt32LE(1, 72);
  return bytes;
}
