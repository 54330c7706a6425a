import { join } from "node:path";
import { Elysia } from "elysia";
import { readdirSync } from "../../platform/files/files.ts";
import { acceptsGzip, leastCompressedBytes } from "../core/compression.ts";
import { securityHeaders } from "../core/security-headers.ts";

/** Assets have a hash of their content in their name: they never change. */
const caching = "public, max-age=31536000, immutable";

/** Serves a folder of script and style files below `prefix`, compressed if the client accepts it. Each file is compressed once. */
export async function createAssetRoutes(folder: string, prefix: string) {
  const routes = new Elysia({ name: "assets" });
  for (const name of readdirSync(folder)) {
    const file = Bun.file(join(folder, name));
    const plain = new Uint8Array(await file.arrayBuffer());
    let packed: Uint8Array<ArrayBuffer> | null = null;
    const headers = {
      ...securityHeaders,
      "content-type": file.type,
      "cache-control": caching,
      vary: "accept-encoding",
    };
    routes.get(`${prefix}/${name}`, ({ request }) => {
      if (plain.length < leastCompressedBytes || !acceptsGzip(request)) return new Response(plain, { headers });
      packed ??= Bun.gzipSync(plain, { level: 9 });
      return new Response(packed, { headers: { ...headers, "content-encoding": "gzip" } });
    });
  }
  return routes;
}
