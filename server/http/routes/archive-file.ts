import { stat } from "../../platform/files/files-async.ts";
import { errorBody } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";

/** A file to be downloaded. `etag` stands for its content; null where only its size and age are known. */
export type Download = {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly etag: string | null;
};

/**
 * Answers GET and HEAD for a file, in whole or the one range asked for (RFC 9110: Range, If-Range, If-None-Match). The system
 * sends the bytes; they do not pass through this program.
 */
export async function sendFile(request: Request, download: Download): Promise<Response> {
  const found = await stat(download.path).catch(() => null);
  if (found === null || !found.isFile()) return notThere();
  const etag = `"${download.etag ?? `${found.size}-${Math.floor(found.mtimeMs)}`}"`;
  const headers: Record<string, string> = {
    ...securityHeaders,
    etag,
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "last-modified": found.mtime.toUTCString(),
    "content-type": download.type,
    "content-disposition": `attachment; filename="${encodeURIComponent(download.name)}"`,
  };
  if (matches(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  const ifRange = request.headers.get("if-range");
  const usable = ifRange === null || ifRange === etag;
  const range = usable ? parseRange(request.headers.get("range"), found.size) : "whole";
  if (range === "unsatisfiable") {
    const body = errorBody("range_not_satisfiable", `The file has ${found.size} bytes.`);
    const headers = { ...securityHeaders, "content-range": `bytes */${found.size}`, "cache-control": "no-store" };
    return Response.json(body, { status: 416, headers });
  }
  const [from, to] = range === "whole" ? [0, found.size] : range;
  headers["content-length"] = String(to - from);
  if (range !== "whole") headers["content-range"] = `bytes ${from}-${to - 1}/${found.size}`;
  const body = request.method === "HEAD" ? null : Bun.file(download.path).slice(from, to);
  return new Response(body, { status: range === "whole" ? 200 : 206, headers });
}

function notThere(): Response {
  const body = errorBody("no_archive", "There is no archive of this stream, symbol and date.");
  return Response.json(body, { status: 404, headers: { ...securityHeaders, "cache-control": "no-store" } });
}

/** `[from, to)`; what is no range of ours, several ranges included, is answered with the whole file, as the RFC allows. */
function parseRange(header: string | null, size: number): "whole" | "unsatisfiable" | [from: number, to: number] {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  if (match === null || (match[1] === "" && match[2] === "")) return "whole";
  if (match[1] === "") {
    const count = Math.min(Number(match[2]), size);
    return count === 0 ? "unsatisfiable" : [size - count, size];
  }
  const from = Number(match[1]);
  const last = match[2] === "" ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (from >= size) return "unsatisfiable";
  return last < from ? "whole" : [from, last + 1];
}

function matches(header: string | null, etag: string): boolean {
  const tags = (header ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return tags.includes("*") || tags.includes(etag);
}
