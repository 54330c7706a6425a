import { compress, init } from "../../../node_modules/@bokuweb/zstd-wasm/dist/web/index.web.js";
import wasmFile from "../../../node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm" with { type: "file" };
import { readFileSync } from "../../platform/files/files.ts";
import { within } from "../../platform/time/deadline.ts";

/** Compresses in one go in the calling thread, into one frame with content size and checksum. */
export type Compress = (bytes: Uint8Array, level: number) => Uint8Array;

/** `type: "file"` yields a path, both in a checkout and in an executable. The declared type is that of another loader. */
const wasmPath = wasmFile as unknown as string;

/** Time limit for starting the module, ms. */
const initMs = 10_000;

/**
 * Loads zstd-wasm. Rejects if the file is missing or invalid, because `init` itself would never settle.
 * Uses the package's web entry with the bytes in memory: its Node entry reads a file next to itself that an executable does not have.
 */
export async function loadZstd(path: string = wasmPath): Promise<Compress> {
  const bytes = readFileSync(path);
  if (!WebAssembly.validate(bytes)) throw new Error(`${path} is not a WebAssembly module; install RT-Data again`);
  // The declared type accepts only a URL, but the code passes anything else to WebAssembly.instantiate.
  await within(init(bytes as unknown as string), { what: `zstd-wasm (${path}) did not start`, ms: initMs });
  return (input, level) => withChecksum(compress(input, level), input);
}

/** Flag for a content checksum in the frame header. Source: RFC 8878, section 3.1.1.1.1. */
const checksumFlag = 0x04;
const descriptorAt = 4;

/**
 * Appends the content checksum, which the package cannot write: the low 32 bits of the content's XXH64, after the last block.
 * Without it, a decoder turns a flipped byte into wrong lines without noticing.
 */
function withChecksum(frame: Uint8Array, content: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(frame.length + 4);
  whole.set(frame);
  whole[descriptorAt] = (whole[descriptorAt] ?? 0) | checksumFlag;
  whole.writeUInt32LE(Number(Bun.hash.xxHash64(content) & 0xffff_ffffn), frame.length);
  return whole;
}
