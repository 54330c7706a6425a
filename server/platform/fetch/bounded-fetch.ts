import { createDeadline } from "../../platform/time/deadline.ts";
import { type BodyBounds, readBoundedBody } from "./bounded-body.ts";
import { type Route, routeTo } from "./proxy-route.ts";
import { fetchThrough } from "./proxy-trouble.ts";

/** Limits for one request to a server that may be broken or hostile. */
export type FetchBounds = BodyBounds & {
  /** Deadline in ms for everything: name lookup, connection, request body, headers, and the last byte of the answer. */
  readonly timeoutMs: number;
  /** Also aborts the request if no data arrives for this many ms. */
  readonly idleMs?: number | undefined;
};

/** `maxBytes` for requests that need only the status: enough for any honest answer. */
export const statusBytes = 64 * 1024;

/** A complete answer. Its connection has already been closed or returned to the pool. */
export type BoundedAnswer = {
  readonly status: number;
  /** True for 2xx. */
  readonly ok: boolean;
  readonly headers: Headers;
  /** The decompressed body. Empty if a sink received it or only the status was requested. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  text(): string;
  /** The proxy that may have answered itself, in words; null if the answer is the server's. */
  readonly proxy: string | null;
};

/**
 * Fetches with limits on time and bytes.
 * On success and on every failure the transfer has ended: a refused, late or endless answer leaves no open connection.
 * The environment's proxy is used, unless `init.proxy` is false.
 * Redirects are returned, not followed, unless `init.redirect` says otherwise; the deadline then covers them too.
 * @throws Late or FetchBoundError if a limit is exceeded, the reason of `init.signal` if the caller aborts, ProxyError if the proxy is the cause, else the error of `fetch`.
 */
export async function boundedFetch(
  url: string,
  init: RequestInit & { tls?: { ca?: string }; proxy?: false },
  bounds: FetchBounds,
): Promise<BoundedAnswer> {
  const { timeoutMs, idleMs = Number.POSITIVE_INFINITY } = bounds;
  const total = createDeadline({ what: "no complete answer", ms: timeoutMs, signal: init.signal });
  const idle = createDeadline({ what: "no further data", ms: idleMs, signal: total.signal });
  const route: Route = init.proxy === false ? { kind: "direct" } : routeTo(url);
  let isWhole = false;
  try {
    const headers = new Headers(init.headers);
    // Some servers compress anyway; `readBoundedBody` then decompresses within the limit.
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    const bounded = { headers, redirect: init.redirect ?? "manual", signal: idle.signal, decompress: false };
    const answer = await fetchThrough(route, url, { ...init, ...bounded });
    const body = await readBoundedBody(answer, bounds, idle.restart);
    isWhole = body.isWhole;
    const { status, ok } = answer;
    const { bytes } = body;
    const text = () => new TextDecoder().decode(bytes);
    return { status, ok, headers: answer.headers, bytes, text, proxy: answeringProxy(route, url) };
  } catch (error) {
    // The error that `fetch` throws after an abort does not carry the reason.
    throw idle.signal.aborted ? idle.signal.reason : error;
  } finally {
    total.clear();
    idle.clear();
    if (!isWhole) idle.abort(new Error("the rest of the answer is not needed"));
  }
}

/** Returns the proxy that forwards the request itself, as for http:. For https: it only forwards bytes. */
function answeringProxy(route: Route, url: string): string | null {
  return route.kind === "proxy" && url.startsWith("http:") ? route.name : null;
}

/** Creates a `fetch` for libraries that read the answer themselves. Its answers are complete and in memory. */
export function boundedFetchOf(bounds: FetchBounds): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, init) => {
    const { status, headers, bytes } = await boundedFetch(url, init, bounds);
    const forwarded = new Headers(headers);
    for (const name of ["content-encoding", "content-length", "transfer-encoding"]) forwarded.delete(name);
    const isEmpty = status === 204 || status === 205 || status === 304;
    return new Response(isEmpty ? null : bytes, { status, headers: forwarded });
  };
}
