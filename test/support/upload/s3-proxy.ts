/** Faults of a store or of the network that the test's S3 servers do not have. */
export type S3ProxyOptions = {
  /** Answers instead of the store, or null. */
  readonly answer?: (request: Request) => Response | null;
  /** Flips a bit of a body that is sent to this path. */
  readonly damage?: (path: string) => boolean;
  /** Refuses writes without the MD5 of their body, as a bucket with an object lock does. */
  readonly wantsMd5?: boolean;
  /** Returns ETags that are not a checksum, as with encryption by customer keys. */
  readonly hideChecksums?: boolean;
  /** If-Match and If-None-Match on writes, as S3 supports them; the servers of the test ignore both. */
  readonly conditions?: boolean;
  /** Shared by proxies in front of one store, whose conditions hold for all that come through any of them. */
  readonly locks?: Map<string, Promise<unknown>>;
  /** Waited for before a request is passed on ("before") and before its answer is ("after"); never to resolve is to be cut off there. */
  readonly hold?: (request: Request, when: "before" | "after") => Promise<void>;
};

/** A proxy in front of an S3 server on loopback. The servers behind it check the signature of the name that they are called by. */
export function s3Proxy(endpoint: string, options: S3ProxyOptions) {
  const refused: string[] = [];
  /** Conditional writes to one key happen one after another. */
  const locks = options.locks ?? new Map<string, Promise<unknown>>();

  async function pass(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const at = body?.length ?? 0;
    const md5 = new Bun.CryptoHasher("md5").update(body ?? "").digest("base64");
    if (options.wantsMd5 && request.method === "PUT" && request.headers.get("content-md5") !== md5)
      return new Response("<Error><Code>InvalidRequest</Code><Message>Content-MD5 is required</Message></Error>", {
        status: 400,
      });
    if (body !== undefined && at > 0 && request.method === "PUT" && options.damage?.(pathname))
      body[at >> 1] = (body[at >> 1] ?? 0) ^ 1;
    const headers = new Headers(request.headers);
    // A store that does not compare it.
    if (options.damage) headers.delete("content-md5");
    for (const name of ["if-match", "if-none-match"]) if (request.method !== "GET") headers.delete(name);
    const response = await fetch(endpoint + pathname + search, { method: request.method, headers, body });
    const answered = new Headers(response.headers);
    const isHead = request.method === "HEAD";
    if (options.hideChecksums && isHead && response.ok) answered.set("etag", '"opaque"');
    answered.delete("content-encoding");
    return new Response(isHead ? null : await response.arrayBuffer(), { status: response.status, headers: answered });
  }

  async function conditionally(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const [match, noneMatch] = [request.headers.get("if-match"), request.headers.get("if-none-match")];
    if (!options.conditions || request.method === "GET" || (match === null && noneMatch === null)) return pass(request);
    const before = locks.get(pathname) ?? Promise.resolve();
    const turn = before.then(async () => {
      const head = await fetch(endpoint + pathname, { method: "HEAD", headers: { authorization: unsigned } });
      const etag = head.ok ? head.headers.get("etag") : null;
      const holds = noneMatch === "*" ? etag === null : etag === match;
      if (holds) return pass(request);
      refused.push(pathname);
      return new Response("<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>", { status: 412 });
    });
    locks.set(
      pathname,
      turn.catch(() => {}),
    );
    return turn;
  }

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    maxRequestBodySize: 2 ** 30,
    async fetch(request) {
      await options.hold?.(request, "before");
      const response = options.answer?.(request) ?? (await conditionally(request));
      await options.hold?.(request, "after");
      return response;
    },
  });
  return { endpoint: `http://127.0.0.1:${server.port}`, refused, stop: () => server.stop(true) };
}

/** fauxqs does not check signatures. */
const unsigned = "none";
