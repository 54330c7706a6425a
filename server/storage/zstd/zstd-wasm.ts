import { compress, init } from "../../../node_modules/@bokuweb/zstd-wasm/dist/web/index.web.js";
import wasmFile from "../../../node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm" with { type: "file" };
import { readFileSync } from "../../platform/files/files.ts";

/** Compresses in one go, in the calling thread, into one frame that states its content's size and ends with its checksum. */
export type Compress = (bytes: Uint8Array, level: number) => Uint8Array;

/** `type: "file"` makes it a path, in a checkout as in an executable; the declared type is that of another loader. */
const wasmPath = wasmFile as unknown as string;

const initMs = 10_000;

/**
 * Loads zstd-wasm. The package's web entry with the bytes at hand is used, since its Node entry reads a file beside itself
 * that an executable does not have. Rejects if the bytes are not there or do not start: `init` itself would never settle.
 */
export async function loadZstd(path: string = wasmPath): Promise<Compress> {
  const bytes = readFileSync(path);
  if (!WebAssembly.validate(bytes)) throw new Error(`${path} is no WebAssembly module; install RT-Data again`);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`zstd-wasm did not start within ${initMs} ms (${path})`)), initMs);
  });
  try {
    // The declared type knows only a URL; the code hands anything else to WebAssembly.instantiate.
    await Promise.race([init(bytes as unknown as string), late]);
  } finally {
    clearTimeout(timer);
  }
  return (input, level) => withChecksum(compress(input, level), input);
}

/** The frame header's flag for a content checksum (RFC 8878, section 3.1.1.1.1). */
const checksumFlag = 0x04;
const descriptorAt = 4;

/**
 * Adds what the package cannot: the checksum of the content, the low 32 bits of its XXH64, behind the last block. Without it a decoder
 * makes wrong lines of a flipped byte and does not notice.
 */
function withChecksum(frame: Uint8Array, content: Uint8Array): Uint8Array {
  const whole = Buffer.allocUnsafe(frame.length + 4);
  whole.set(frame);
  whole[descriptorAt] = (whole[descriptorAt] ?? 0) | checksumFlag;
  whole.writeUInt32LE(Number(Bun.hash.xxHash64(content) & 0xffff_ffffn), frame.length);
  return whole;
}
