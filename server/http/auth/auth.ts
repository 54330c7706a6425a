import type { Server } from "bun";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { errorBody } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";
import { type Authorize, createAuthorize } from "./authorize.ts";
import { createReadClient } from "./client-address.ts";
import { createCookies } from "./cookies.ts";
import { createKnownLogins } from "./lanes/known-logins.ts";
import { createLogin } from "./login.ts";
import { createOriginPolicy } from "./origin-policy.ts";
import { createSessionRoutes } from "./session-api.ts";
import { createSessions } from "./sessions.ts";
import { createSessionsFile } from "./sessions-file.ts";

/** Who may look, and from where. Everything is open to who can reach the server where `passwordHash` is empty. */
export type AuthOptions = {
  /** Where a proxy serves us: `/` or `/rt-data`. Addresses are answered with it and without. */
  readonly basePath: string;
  /** argon2id; empty: no password. */
  readonly passwordHash: string;
  /** Addresses and ranges whose X-Forwarded headers are believed. */
  readonly trustedProxies: readonly string[];
  /** How the page is reached from outside, or empty. */
  readonly publicUrl: string;
  /** File in which logins outlive a restart, or null. */
  readonly sessionsPath: string | null;
};

export const createOpenAuth: AuthOptions = {
  ...{ basePath: "/", passwordHash: "", trustedProxies: ["127.0.0.1", "::1"], publicUrl: "", sessionsPath: null },
};

export type Auth = ReturnType<typeof createAuth>;

/** A disk that stands still does not hold up the end for longer, ms. */
const longestWriteMs = 2000;

type Deps = {
  log: Log;
  /** A session has ended: what is open for it has to be closed. */
  onSessionEnd: (id: string) => void;
};

/** The gate in front of all routes, and the routes by which one logs in and out. */
export function createAuth(options: AuthOptions & { host: string }, deps: Deps) {
  const { basePath, passwordHash } = options;
  const nowMs = () => performance.now();
  const file = createSessionsFile({ path: passwordHash === "" ? null : options.sessionsPath, passwordHash }, deps);
  /** How long the recorder has run: what the runs before left, and this one. */
  const run = { beforeMs: 0, instance: "", startedMs: nowMs() };
  const runMs = () => run.beforeMs + nowMs() - run.startedMs;
  const onChange = () => file.save(remembered);
  const known = createKnownLogins(passwordHash, { onChange });
  const sessions = createSessions({ runMs, onEnd: deps.onSessionEnd, onChange });
  const login = passwordHash === "" ? null : createLogin(passwordHash, { nowMs, known, log: deps.log });
  const cookies = createCookies(basePath);

  function remembered() {
    const [networks, clients] = [known.networks(), known.clients()];
    return { instance: run.instance, run_ms: Math.round(runMs()), sessions: sessions.all(), networks, clients };
  }

  const readVisitor = createReadClient(options);
  const gate: Authorize = createAuthorize({
    readVisitor,
    site: createOriginPolicy(options),
    login,
    sessions,
    cookies,
    known,
  });

  /** From `/rt-data`, as the browser sees it, to `/rt-data/`: everything else is relative to that. */
  const rootAddress = `${basePath.slice(basePath.lastIndexOf("/") + 1)}/`;

  type Handle = (request: Request) => Response | Promise<Response>;

  /** What stands before the routes: everything that comes passes here, WebSockets included, whatever its address looks like. */
  const guard = (handle: Handle, server: () => Server<unknown> | null) => async (request: Request) => {
    try {
      const path = pathOf(request);
      if (path === null) return badRequest("bad_host", "The request does not say which host it is for.");
      if (!isDecodable(path)) return badRequest("bad_request", "The address is not encoded as one has to be.");
      if (path === "")
        return new Response(null, { status: 308, headers: { ...securityHeaders, location: rootAddress } });
      const peer = server()?.requestIP(request)?.address ?? "";
      const refusal = await gate.admit(request, path, peer);
      if (refusal !== null) return gate.dress(request, refusal);
      // Bun itself leaves the body of an answer to HEAD out; Elysia would read all of it first, to count its bytes.
      if (request.method === "HEAD") Object.defineProperty(request, "method", { value: "GET" });
      const response = await handle(request);
      return response === undefined ? response : gate.dress(request, response);
    } catch (error) {
      deps.log.error("an HTTP request failed", { error: messageOf(error) });
      const body = errorBody("internal_error", "The request failed; the recorder's log says why.");
      return Response.json(body, { status: 500, headers: { ...securityHeaders, "cache-control": "no-store" } });
    }
  };

  /** The path as the routes know it: below the base path, which a proxy may have taken away already. */
  function pathOf(request: Request): string | null {
    const { url } = request;
    if (!URL.canParse(url)) return null;
    const start = url.indexOf("/", url.indexOf("//") + 2);
    const end = url.indexOf("?", start);
    const path = url.slice(start, end < 0 ? undefined : end);
    if (basePath === "/" || (path !== basePath && !path.startsWith(`${basePath}/`))) return path;
    const below = path.slice(basePath.length);
    // A WebSocket can only be opened with the request as it came, so that the address is replaced in place.
    Object.defineProperty(request, "url", {
      value: url.slice(0, start) + (below || "/") + url.slice(start + path.length),
    });
    return below;
  }

  return {
    gate,
    routes: () => createSessionRoutes({ gate, login, sessions, cookies, known }),
    guard,
    async start() {
      const { instance, run_ms, ...stored } = await file.load();
      Object.assign(run, { instance, beforeMs: run_ms, startedMs: nowMs() });
      cookies.nameBy(instance);
      known.restore(stored);
      sessions.restore(stored.sessions);
    },
    /** Before the port is free: a successor that listens after us finds what we know, and we overwrite nothing of its own. */
    async stop() {
      if (login !== null) onChange();
      await Promise.race([file.settled(), Bun.sleep(longestWriteMs)]);
    },
  };
}

function isDecodable(path: string): boolean {
  try {
    return !path.includes("%") || decodeURIComponent(path) !== "";
  } catch {
    return false;
  }
}

function badRequest(code: string, message: string): Response {
  const headers = { ...securityHeaders, "cache-control": "no-store" };
  return Response.json(errorBody(code, message), { status: 400, headers });
}
