import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** Smaller bodies do not get smaller on the wire. */
export const leastCompressedBytes = 1000;

/** Compressed responses that are kept, and the largest body that is kept: at most 4 MB of bodies and a tenth of it compressed. */
const mostKept = 16;
const largestKeptBytes = 256 * 1024;

const compress = promisify(gzip);

type Handle = (request: Request) => Response | Promise<Response>;
type Kept = { readonly plain: Uint8Array; readonly packed: Promise<Uint8Array<ArrayBuffer>> };

/**
 * Wraps the routes: JSON is sent compressed if the client accepts gzip. Compression runs beside the main thread. If a path is answered
 * with the same bytes again, it is not compressed again. Files keep their bytes: they have an ETag and are read in ranges.
 */
export function compressed(handle: Handle): Handle {
  const kept = new Map<string, Kept>();

  function pack(url: string, plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    const known = kept.get(url);
    if (known !== undefined && Buffer.compare(known.plain, plain) === 0) return known.packed;
    const packed = compress(plain).then((bytes) => new Uint8Array(bytes));
    kept.delete(url);
    if (plain.length > largestKeptBytes) return packed;
    kept.set(url, { plain, packed });
    for (const oldest of kept.keys()) {
      if (kept.size <= mostKept) break;
      kept.delete(oldest);
    }
    return packed;
  }

  return async (request) => {
    const response = await handle(request);
    if (!isCompressible(request, response)) return response;
    const plain = await response.bytes();
    const { status, headers } = response;
    if (plain.length < leastCompressedBytes) return new Response(plain, { status, headers });
    headers.set("vary", "accept-encoding");
    if (!acceptsGzip(request)) return new Response(plain, { status, headers });
    headers.set("content-encoding", "gzip");
    return new Response(await pack(request.url, plain), { status, headers });
  };
}

/** `handle` returns undefined for a request that became a WebSocket. */
function isCompressible(request: Request, response: Response | undefined): response is Response {
  if (request.method !== "GET" || response?.status !== 200) return false;
  const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
  return isJson && !response.headers.has("etag") && !response.headers.has("content-encoding");
}

/** True if the client accepts gzip. A client that names gzip with `q=0` does not. */
export function acceptsGzip(request: Request): boolean {
  const accepted = request.headers.get("accept-encoding") ?? "";
  return accepted.split(",").some((part) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/i.test(part));
}
