import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "vite";

const limitBytes = 80 * 1024;
const web = join(import.meta.dir, "../web");

/**
 * Builds the page into web/dist; fails where script and style together are over 80 KB gzip. Resolves to what there is of them, and to the
 * paths of the modules they were made of.
 */
export async function buildWeb(): Promise<{ files: number; bytes: number; gzipBytes: number; modules: string[] }> {
  await rm(join(web, "dist"), { recursive: true, force: true });
  const built = await buildForProduction();
  const size = await measure(join(web, "dist"));
  if (size.gzipBytes > limitBytes)
    throw new Error(
      `the page's script and style are ${kb(size.gzipBytes)} gzip, more than the ${kb(limitBytes)} allowed`,
    );
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  return { ...size, modules: outputs.flatMap((one) => (one.type === "chunk" ? one.moduleIds : [])) };
}

/** Whoever runs it: built by a test, the page would carry the paths of its sources. */
async function buildForProduction() {
  const { NODE_ENV } = process.env;
  process.env.NODE_ENV = "production";
  try {
    return await build({ root: web, configFile: join(web, "vite.config.ts"), logLevel: "warn" });
  } finally {
    if (NODE_ENV === undefined) delete process.env.NODE_ENV;
    else process.env.NODE_ENV = NODE_ENV;
  }
}

async function measure(folder: string) {
  const size = { files: 0, bytes: 0, gzipBytes: 0 };
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.(js|css)$/.test(name)) continue;
    const content = await Bun.file(join(folder, name)).bytes();
    size.files += 1;
    size.bytes += content.length;
    size.gzipBytes += Bun.gzipSync(content).length;
  }
  return size;
}

function kb(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KB`;
}

if (import.meta.main) {
  const startMs = performance.now();
  const { files, bytes, gzipBytes } = await buildWeb();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`web/dist: ${files} script and style files, ${kb(bytes)}, ${kb(gzipBytes)} gzip, built in ${seconds} s`);
}
