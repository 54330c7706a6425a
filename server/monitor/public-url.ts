import { lookup } from "node:dns/promises";
import { connect, type PeerCertificate } from "node:tls";
import { codeOf, messageOf } from "../platform/errors.ts";
import { boundedFetch, statusBytes } from "../platform/fetch/bounded-fetch.ts";
import { type Route, routeTo } from "../platform/fetch/proxy-route.ts";
import { openTunnel } from "../platform/fetch/tunnel.ts";
import { createDeadline, Late, unlessAborted } from "../platform/time/deadline.ts";
import type { PublicUrlState } from "./observation.ts";

/** Watches that the recorder can be reached by its public name. */
export type PublicUrlWatch = {
  /** Must be called about every second. Starts a check when it is due; checks never overlap. Never waits. */
  tick(): void;
  /** Returns the state; null before the first result, and if no public URL is configured. */
  state(): PublicUrlState | null;
  /** Checks now. Never rejects. */
  check(): Promise<void>;
};

/** The header by which a recorder recognizes its own answer. Its value is new at each start. */
export const instanceHeader = "rt-data-instance";

type Options = {
  /** Without a trailing slash. Empty: no URL is watched. */
  readonly url: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
};

type Deps = {
  /** The value of `instanceHeader` in answers of this process. */
  readonly instance: string;
  readonly nowMs: () => number;
  /** Any clock that never decreases, ms. */
  readonly monotonicMs?: () => number;
  /** An additional certificate authority, for tests. */
  readonly ca?: string;
};

/** The URL does not work. The message says how to fix it. */
class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** Creates the watch of a URL. Its detail distinguishes errors of the name, of the certificate and of the answer. */
export function createPublicUrlWatch(options: Options, deps: Deps): PublicUrlWatch {
  const { monotonicMs = () => performance.now() } = deps;
  let state: PublicUrlState | null = null;
  let dueMs = 0;
  let running: Promise<void> | null = null;

  async function runCheck(): Promise<void> {
    const url = new URL(options.url);
    const deadline = createDeadline({ what: "no answer", ms: options.timeoutMs });
    const { signal } = deadline;
    try {
      const route = routeTo(options.url);
      // Behind a proxy the proxy resolves names.
      if (route.kind === "direct") await unlessAborted(resolve(url.hostname), signal);
      const expiresInS = url.protocol === "https:" ? await certificate(url, route, signal, deps) : null;
      await ask(options.url, options.timeoutMs, signal, deps);
      state = { kind: "reached", host: url.host, expiresInS };
    } catch (error) {
      const why = error instanceof Unreachable ? error.message : explain(url, error, options.timeoutMs);
      state = { kind: "unreachable", host: url.host, detail: why };
    } finally {
      deadline.clear();
    }
  }

  function check(): Promise<void> {
    running ??= runCheck().finally(() => {
      running = null;
    });
    return running;
  }

  return {
    tick() {
      if (options.url === "" || running !== null || monotonicMs() < dueMs) return;
      dueMs = monotonicMs() + options.everyMs;
      void check();
    },
    state: () => state,
    check,
  };
}

async function resolve(name: string): Promise<void> {
  try {
    await lookup(name.replace(/^\[|\]$/g, ""));
  } catch (error) {
    const why = codeOf(error) ?? messageOf(error);
    throw new Unreachable(`DNS: ${name} does not resolve (${why}); check its DNS record and its DNS provider`);
  }
}

/** Returns the seconds until the server's certificate expires. Rejects if browsers would refuse it. */
async function certificate(url: URL, route: Route, signal: AbortSignal, { ca, nowMs }: Deps): Promise<number | null> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 443);
  const socket = connect({
    ...(route.kind === "proxy"
      ? { socket: await openTunnel(route, `${url.hostname}:${port}`, signal) }
      : { host, port }),
    rejectUnauthorized: false,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  });
  try {
    const secured = new Promise<void>((done, fail) => {
      socket.once("secureConnect", () => done());
      socket.once("error", fail);
      socket.once("close", () => fail(new Error("the connection was closed during the TLS handshake")));
    });
    await unlessAborted(secured, signal);
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
        `the certificate of ${url.host} is not accepted (${why}); browsers refuse it too: install a certificate for this name, with its full chain`,
      );
    }
    return expiresInS;
  } finally {
    socket.destroy();
  }
}

/** Requests `/health/live` and checks that this process answered. */
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
      `another server answers at ${base} (${status}, ${server}): the name, the port forwarding or the proxy leads to another service`,
    );
  if (by !== instance)
    throw new Unreachable(
      `another rt-data answers at ${base}; is a second recorder running, or does the proxy lead to another machine?`,
    );
  if (status !== 200) throw new Unreachable(`${server} answers ${status} at ${base}/health/live`);
}

/** Explains a system error to the operator. */
function explain(url: URL, error: unknown, timeoutMs: number): string {
  if (error instanceof Late)
    return `${url.host} does not answer within ${timeoutMs / 1000} s; check the firewall, the port forwarding and the proxy`;
  const code = codeOf(error) ?? "";
  if (code === "ECONNREFUSED" || code === "ConnectionRefused")
    return `no server listens at ${url.host}; is the proxy running, and is the port forwarded?`;
  return `${url.host} cannot be reached: ${messageOf(error).slice(0, 200)}`;
}
