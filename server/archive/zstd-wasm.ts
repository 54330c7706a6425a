import { compress, init } from "../../node_modules/@bokuweb/zstd-wasm/dist/web/index.web.js";
import wasmFile from "../../node_modules/@bokuweb/zstd-wasm/dist/web/zstd.wasm" with { type: "file" };
import { readFileSync } from "../platform/files.ts";

/** Compresses in one go, in the calling thread, into one frame that states its content's size and has no checksum. */
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
  return (input, level) => compress(input, level);
}
