import { stat } from "../../platform/files/files-async.ts";
import { errorBody, respond } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";

/** A downloadable file. `etag` identifies its content; if it is null, size and age are used instead. */
export type Download = {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly etag: string | null;
};

/**
 * Answers GET and HEAD for a file: the whole file or one range (RFC 9110: Range, If-Range, If-None-Match). Bun hands the file to the
 * system for sending, so that its bytes do not pass through JavaScript. A missing file is a 404.
 */
export async function sendFile(request: Request, download: Download): Promise<Response> {
  const info = await stat(download.path).catch(() => null);
  if (info === null || !info.isFile()) return noArchive();
  const etag = `"${download.etag ?? `${info.size}-${Math.floor(info.mtimeMs)}`}"`;
  const headers: Record<string, string> = {
    ...securityHeaders,
    etag,
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "last-modified": info.mtime.toUTCString(),
    "content-type": download.type,
    "content-disposition": attachment(download.name),
  };
  if (matches(request.headers.get("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  const ifRange = request.headers.get("if-range");
  const usable = ifRange === null || ifRange === etag;
  const range = usable ? parseRange(request.headers.get("range"), info.size) : "whole";
  if (range === "unsatisfiable") {
    const body = errorBody("range_not_satisfiable", `The file has ${info.size} bytes.`);
    return respond(416, body, { "content-range": `bytes */${info.size}` });
  }
  const [from, to] = range === "whole" ? [0, info.size] : range;
  headers["content-length"] = String(to - from);
  if (range !== "whole") headers["content-range"] = `bytes ${from}-${to - 1}/${info.size}`;
  const body = request.method === "HEAD" ? null : Bun.file(download.path).slice(from, to);
  return new Response(body, { status: range === "whole" ? 200 : 206, headers });
}

/** Names a download. Names beyond ASCII are sent twice: for readers of RFC 6266, and with `_` for all others. */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, "_");
  const encoded = encodeURIComponent(name).replace(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"${plain === name ? "" : `; filename*=UTF-8''${encoded}`}`;
}

function noArchive(): Response {
  return respond(404, errorBody("no_archive", "There is no archive of this stream, symbol and date."));
}

/** Parses a range as `[from, to)`. Several ranges and unknown forms select the whole file, as the RFC allows. */
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
