import { lookup } from "node:dns/promises";
import { connect, type PeerCertificate } from "node:tls";
import { codeOf, messageOf } from "../platform/errors.ts";
import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import type { PublicUrlState } from "./observation.ts";

/** Watches that the recorder is reached by its public name. */
export type PublicUrlWatch = {
  /** Call it every second or so; a look is begun when one is due, one at a time. Never waits. */
  tick(): void;
  /** Null before the first answer, and where nothing is watched. */
  state(): PublicUrlState | null;
  /** One look, now; never rejects. */
  look(): Promise<void>;
};

/** The header by which a recorder knows its own answer; the value is made up at each start. */
export const instanceHeader = "rt-data-instance";

type Options = {
  /** Without a slash at its end; empty: nothing is watched. */
  readonly url: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
};

type Deps = {
  /** What `/health/live` of this process answers in `instanceHeader`. */
  readonly instance: string;
  readonly nowMs: () => number;
  /** Any clock that does not run backwards, ms. */
  readonly monotonicMs?: () => number;
  /** A certificate authority beside the usual ones, for tests. */
  readonly ca?: string;
};

/** Found wrong; the message says what to do. */
class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The watch of one address. A name that does not resolve, a certificate and an answer are each told of in words of their own. */
export function createPublicUrlWatch(options: Options, deps: Deps): PublicUrlWatch {
  const { monotonicMs = () => performance.now() } = deps;
  let state: PublicUrlState | null = null;
  let dueMs = 0;
  let looking: Promise<void> | null = null;

  async function lookOnce(): Promise<void> {
    const url = new URL(options.url);
    const signal = AbortSignal.timeout(options.timeoutMs);
    try {
      await within(signal, resolve(url.hostname));
      const expiresInS = url.protocol === "https:" ? await certificate(url, signal, deps) : null;
      await ask(options.url, options.timeoutMs, signal, deps);
      state = { kind: "reached", host: url.host, expiresInS };
    } catch (error) {
      const why = error instanceof Unreachable ? error.message : explained(url, error, options.timeoutMs);
      state = { kind: "unreachable", host: url.host, detail: why };
    }
  }

  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => {
      looking = null;
    });
    return looking;
  }

  return {
    tick() {
      if (options.url === "" || looking !== null || monotonicMs() < dueMs) return;
      dueMs = monotonicMs() + options.everyMs;
      void look();
    },
    state: () => state,
    look,
  };
}

async function resolve(name: string): Promise<void> {
  try {
    await lookup(name.replace(/^\[|\]$/g, ""));
  } catch (error) {
    const why = codeOf(error) ?? messageOf(error);
    throw new Unreachable(
      `DNS: ${name} does not resolve (${why}); look at its record, and whether its provider still serves it`,
    );
  }
}

/** Seconds until the server's certificate expires; rejects where browsers would not take it. */
async function certificate(url: URL, signal: AbortSignal, { ca, nowMs }: Deps): Promise<number | null> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    ...{ host, port: Number(url.port || 443), rejectUnauthorized: false },
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  });
  try {
    await within(
      signal,
      new Promise<void>((done, fail) => {
        socket.once("secureConnect", () => done());
        socket.once("error", fail);
        socket.once("close", () => fail(new Error("the connection was closed before TLS was agreed on")));
      }),
    );
    const peer: PeerCertificate | Record<string, never> = socket.getPeerCertificate();
    const expiresMs = Date.parse(peer.valid_to ?? "");
    const expiresInS = Number.isNaN(expiresMs) ? null : Math.round((expiresMs - nowMs()) / 1000);
    if (expiresInS !== null && expiresInS <= 0)
      throw new Unreachable(
        `the certificate of ${url.host} has expired (${peer.valid_to}); renew it (certbot renew), then reload the proxy`,
      );
    if (!socket.authorized) {
      const why = messageOf(socket.authorizationError ?? "unknown");
      throw new Unreachable(
        `the certificate of ${url.host} is not accepted (${why}); browsers refuse it too: install one for this name, with its whole chain`,
      );
    }
    return expiresInS;
  } finally {
    socket.destroy();
  }
}

/** Asks for `/health/live` and looks whether it was this process that answered. */
async function ask(base: string, timeoutMs: number, signal: AbortSignal, { instance, ca }: Deps): Promise<void> {
  const answer = await boundedFetch(
    `${base}/health/live`,
    { signal, headers: { "user-agent": "rt-data" }, ...(ca === undefined ? {} : { tls: { ca } }) },
    { timeoutMs, maxBytes: statusBytes, statusOnly: true },
  );
  const { status } = answer;
  const server = (answer.headers.get("server") ?? "").replace(/[^\w./ -]/g, "").slice(0, 40) || "the server";
  const by = answer.headers.get(instanceHeader);
  if (status >= 500)
    throw new Unreachable(
      `${server} answers ${status}: the proxy does not reach rt-data; compare its proxy_pass with http.host and http.port`,
    );
  if (status >= 300 && status < 400)
    throw new Unreachable(
      `${server} answers ${status} to ${answer.headers.get("location") ?? "elsewhere"}; put the final address into http.public_url`,
    );
  if (by === null)
    throw new Unreachable(
      `somebody else answers at ${base} (${status}, ${server}): the name, the port forwarding or the proxy leads to another service`,
    );
  if (by !== instance)
    throw new Unreachable(
      `another rt-data answers at ${base}; is a second one running, or does the proxy lead to another machine?`,
    );
  if (status !== 200) throw new Unreachable(`${server} answers ${status} at ${base}/health/live`);
}

/** What a system's error means to who runs the server. */
function explained(url: URL, error: unknown, timeoutMs: number): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "TimeoutError" || name === "AbortError")
    return `${url.host} does not answer within ${timeoutMs / 1000} s; look at the firewall, the port forwarding, and whether the proxy runs`;
  const code = codeOf(error) ?? "";
  if (code === "ECONNREFUSED" || code === "ConnectionRefused")
    return `nobody listens at ${url.host}; is the proxy running, and is the port forwarded?`;
  return `${url.host} cannot be reached: ${messageOf(error).slice(0, 200)}`;
}

/** Rejects when time is up, whatever becomes of the work. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((done, fail) => {
    const giveUp = () => fail(signal.reason);
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(done, fail).finally(() => signal.removeEventListener("abort", giveUp));
  });
}
