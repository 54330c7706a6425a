import { crc32, createInflateRaw } from "node:zlib";
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "../platform/files/files.ts";

/** The only entry of a zip file. */
type Entry = {
  readonly method: number;
  readonly crc: number;
  /** Where its data begins, and the last byte of it. */
  readonly from: number;
  readonly to: number;
};

/** Most bytes of an unpacked file. Guards against a zip that unpacks without end. */
const mostBytes = 64 * 1024 ** 3;
const longestLine = 64 * 1024;

const signatures = { local: 0x04034b50, central: 0x02014b50 } as const;
const endMark = Buffer.from("PK\x05\x06", "latin1");
const methods = { stored: 0, deflated: 8 } as const;

/**
 * Reads the lines of a zip file with one entry, without their ends (LF or CRLF), in bounded memory.
 * @throws in words if it is not such a file, or if its content does not match its CRC-32
 */
export async function* zippedLines(path: string): AsyncGenerator<readonly string[], void> {
  const entry = findEntry(path);
  const file = createReadStream(path, { start: entry.from, end: entry.to, highWaterMark: 256 * 1024 });
  const unpacked = entry.method === methods.stored ? file : file.pipe(createInflateRaw());
  file.on("error", (error) => unpacked.destroy(error));
  let [rest, crc, bytes] = ["", 0, 0];
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      crc = crc32(chunk, crc);
      bytes += chunk.length;
      if (bytes > mostBytes) throw new Error(`it unpacks to more than ${mostBytes} bytes`);
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > longestLine) throw new Error("it contains no lines of text");
      yield lines.map(withoutReturn).filter((line) => line !== "");
    }
  } finally {
    file.destroy();
    unpacked.destroy();
  }
  if (crc !== entry.crc) throw new Error("its content does not match its CRC-32: it is damaged or cut off");
  if (withoutReturn(rest) !== "") yield [withoutReturn(rest)];
}

function withoutReturn(line: string): string {
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/**
 * Finds the entry by the directory at the end of the file, because a local header may leave out sizes and CRC-32.
 * Source: APPNOTE.TXT of PKWARE, 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
 */
function findEntry(path: string): Entry {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const read = (at: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(fd, bytes, 0, length, at));
    };
    const tail = read(Math.max(0, size - 65_557), Math.min(size, 65_557));
    const endAt = tail.lastIndexOf(endMark);
    if (endAt < 0 || tail.length - endAt < 22) throw new Error("it is not a zip file, or its end is cut off");
    if (tail.readUInt16LE(endAt + 10) !== 1) throw new Error("it is a zip file without or with several files in it");
    const centralAt = endAt - tail.readUInt32LE(endAt + 12);
    if (centralAt < 0 || tail.readUInt32LE(centralAt) !== signatures.central)
      throw new Error("its zip directory is damaged");
    const [method, crc] = [tail.readUInt16LE(centralAt + 10), tail.readUInt32LE(centralAt + 16)];
    const localAt = tail.readUInt32LE(centralAt + 42);
    const header = read(localAt, 30);
    if (header.length < 30 || header.readUInt32LE(0) !== signatures.local) throw new Error("its zip header is damaged");
    if (method !== methods.stored && method !== methods.deflated)
      throw new Error(`it is compressed by method ${method}, which is unknown here`);
    const from = localAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
    return { method, crc, from, to: from + tail.readUInt32LE(centralAt + 20) - 1 };
  } finally {
    closeSync(fd);
  }
}
