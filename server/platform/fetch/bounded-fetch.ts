import { type BodyBounds, FetchBoundError, readBoundedBody } from "./bounded-body.ts";

/** Limits of one exchange with a server that may be broken or hostile. */
export type FetchBounds = BodyBounds & {
  /** Deadline in ms over everything: name, connection, request body, headers, and the last byte of the answer. */
  readonly timeoutMs: number;
  /** Also ends an exchange in which nothing arrives for this many ms. */
  readonly idleMs?: number | undefined;
};

/** `maxBytes` where only the status is wanted: enough for any answer that is meant well. */
export const statusBytes = 64 * 1024;

/** A complete answer. The connection is back in the pool or closed when it is handed out. */
export type BoundedAnswer = {
  readonly status: number;
  /** True for 2xx. */
  readonly ok: boolean;
  readonly headers: Headers;
  /** The body, decompressed; empty if a sink took it or only the status was wanted. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  text(): string;
};

/**
 * Fetches with a bound on time and bytes. Every way out ends the transfer: a refused, late or endless answer leaves no connection
 * behind. Redirects are answered, not followed, unless `init.redirect` says otherwise; the deadline covers them too.
 * Rejects with a `FetchBoundError`, with the reason of `init.signal`, or with the error of `fetch` itself.
 */
export async function boundedFetch(
  url: string,
  init: RequestInit & { tls?: { ca?: string } },
  bounds: FetchBounds,
): Promise<BoundedAnswer> {
  const ending = new AbortController();
  const caller = init.signal ?? null;
  const onCallerAbort = () => ending.abort(caller?.reason);
  const late = (ms: number) => () =>
    ending.abort(new FetchBoundError("TimeoutError", `no complete answer within ${ms / 1000} s`));
  const deadline = setTimeout(late(bounds.timeoutMs), bounds.timeoutMs);
  let idle: ReturnType<typeof setTimeout> | undefined;
  const onProgress = () => {
    if (bounds.idleMs === undefined) return;
    clearTimeout(idle);
    idle = setTimeout(late(bounds.idleMs), bounds.idleMs);
  };
  if (caller?.aborted) onCallerAbort();
  caller?.addEventListener("abort", onCallerAbort);
  let isWhole = false;
  try {
    const headers = new Headers(init.headers);
    // An answer that is compressed all the same is decompressed within the bound.
    if (!headers.has("accept-encoding")) headers.set("accept-encoding", "identity");
    onProgress();
    const ours = { headers, redirect: init.redirect ?? "manual", signal: ending.signal, decompress: false };
    const answer = await fetch(url, { ...init, ...ours });
    const body = await readBoundedBody(answer, bounds, onProgress);
    isWhole = body.isWhole;
    const { status, ok } = answer;
    const { bytes } = body;
    return { status, ok, headers: answer.headers, bytes, text: () => new TextDecoder().decode(bytes) };
  } catch (error) {
    // What `fetch` throws after an abort does not say why it was aborted.
    throw ending.signal.aborted && ending.signal.reason !== undefined ? ending.signal.reason : error;
  } finally {
    clearTimeout(deadline);
    clearTimeout(idle);
    caller?.removeEventListener("abort", onCallerAbort);
    if (!isWhole) ending.abort();
  }
}

/** A `fetch` for libraries that bring their own reading of the answer: what they get is complete and in memory. */
export function boundedFetchOf(bounds: FetchBounds): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, init) => {
    const { status, headers, bytes } = await boundedFetch(url, init, bounds);
    const kept = new Headers(headers);
    for (const name of ["content-encoding", "content-length", "transfer-encoding"]) kept.delete(name);
    const isEmpty = status === 204 || status === 205 || status === 304;
    return new Response(isEmpty ? null : bytes, { status, headers: kept });
  };
}
