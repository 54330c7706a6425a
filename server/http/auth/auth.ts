import { join } from "node:path";
import type { Server } from "bun";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { isDoneWithin } from "../../platform/time/deadline.ts";
import { errorBody, respond } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";
import { type Authorize, createAuthorize } from "./authorize.ts";
import { createReadClient } from "./client-address.ts";
import { createCookies } from "./cookies.ts";
import { createHealthProofCheck } from "./health-proof.ts";
import { createKnownLogins } from "./lanes/known-logins.ts";
import { createLogin } from "./login.ts";
import { createOriginPolicy } from "./origin-policy.ts";
import { createSessionRoutes } from "./session-api.ts";
import { createSessions } from "./sessions.ts";
import { createSessionsFile } from "./sessions-file.ts";
import { tokensFolder } from "./tokens/token-file.ts";
import { usesFile } from "./tokens/token-uses.ts";
import { createTokens } from "./tokens/tokens.ts";

/** Settings of access control. Without `passwordHash` and `userHeader` everybody who can reach the server may see everything. */
export type AuthOptions = {
  /** Path prefix of a proxy: `/` or `/rt-data`. Paths are accepted with and without it. */
  readonly basePath: string;
  /** argon2id hash; empty if there is no password. */
  readonly passwordHash: string;
  /** Addresses and ranges of proxies whose X-Forwarded headers are trusted. */
  readonly trustedProxies: readonly string[];
  /** Public URL of the page, or empty. */
  readonly publicUrl: string;
  /** File that keeps logins across restarts, or null. */
  readonly sessionsPath: string | null;
  /** Header in which a trusted proxy names the user whom it has logged in; empty: none. */
  readonly userHeader?: string;
  /** Data folder that holds the tokens, or null. */
  readonly tokensDir?: string | null;
};

export const createOpenAuth: AuthOptions = {
  basePath: "/",
  passwordHash: "",
  trustedProxies: ["127.0.0.1", "::1"],
  publicUrl: "",
  sessionsPath: null,
};

export type Auth = ReturnType<typeof createAuth>;

/** Longest wait in ms for the last write when stopping, in case the disk hangs. */
const longestWriteMs = 2000;

type Deps = {
  log: Log;
  /** Called after a session or a token has ended, so that its connections can be closed. */
  onSessionEnd: (id: string) => void;
  /** Tells whether a connection of this token is open. */
  isConnected: (token: string) => boolean;
  time: () => ConfirmedTime;
};

/** Creates the guard in front of all routes, and the routes for logging in and out. */
export function createAuth(options: AuthOptions & { host: string }, deps: Deps) {
  const { basePath, passwordHash } = options;
  const nowMs = () => performance.now();
  const file = createSessionsFile({ path: passwordHash === "" ? null : options.sessionsPath, passwordHash }, deps);
  /** Total running time of the recorder: the earlier runs and the current run. */
  const run = { beforeMs: 0, instance: "", startedMs: nowMs() };
  const runMs = () => run.beforeMs + nowMs() - run.startedMs;
  const onChange = () => file.save(remembered);
  const known = createKnownLogins(passwordHash, { onChange });
  const sessions = createSessions({ runMs, onEnd: deps.onSessionEnd, onChange });
  const login = passwordHash === "" ? null : createLogin(passwordHash, { nowMs, known, log: deps.log });
  const cookies = createCookies(basePath);
  const isOpenToAll = passwordHash === "" && (options.userHeader ?? "") === "";
  const dataDir = isOpenToAll ? null : (options.tokensDir ?? null);
  const tokens = createTokens(
    {
      folder: dataDir === null ? null : tokensFolder(dataDir),
      usesPath: dataDir === null ? null : join(dataDir, usesFile),
    },
    { ...deps, onEnd: deps.onSessionEnd },
  );

  function remembered() {
    const [networks, clients] = [known.networks(), known.clients()];
    return { instance: run.instance, run_ms: Math.round(runMs()), sessions: sessions.all(), networks, clients };
  }

  const readClient = createReadClient(options);
  const authorize: Authorize = createAuthorize({
    readClient,
    originPolicy: createOriginPolicy(options),
    isOpenToAll,
    login,
    tokens,
    sessions,
    cookies,
    known,
  });

  /** Relative redirect from `/rt-data` to `/rt-data/`. All addresses in the page are relative to the latter. */
  const rootAddress = `${basePath.slice(basePath.lastIndexOf("/") + 1)}/`;

  type Handle = (request: Request) => Response | Promise<Response>;

  /** Wraps the routes: every request passes through here first, WebSockets and malformed addresses included. */
  const guard = (handle: Handle, server: () => Server<unknown> | null) => async (request: Request) => {
    try {
      const path = pathOf(request);
      if (path === null) return badRequest("bad_host", "The request does not say which host it is for.");
      if (!isDecodable(path)) return badRequest("bad_request", "The percent-encoding of the address is invalid.");
      if (path === "")
        return new Response(null, { status: 308, headers: { ...securityHeaders, location: rootAddress } });
      const peer = server()?.requestIP(request)?.address ?? "";
      const refusal = await authorize.authorize(request, path, peer);
      if (refusal !== null) return authorize.decorate(request, refusal);
      // Bun leaves out the body for HEAD. Elysia would read the whole body first to count its bytes.
      if (request.method === "HEAD") Object.defineProperty(request, "method", { value: "GET" });
      const response = await handle(request);
      return response === undefined ? response : authorize.decorate(request, response);
    } catch (error) {
      deps.log.error("HTTP request failed", { error: messageOf(error) });
      return respond(500, errorBody("internal_error", "The request failed; the recorder's log says why."));
    }
  };

  /** Returns the path below the base path, which a proxy may already have removed; null if the URL is invalid. */
  function pathOf(request: Request): string | null {
    const { url } = request;
    if (!URL.canParse(url)) return null;
    const start = url.indexOf("/", url.indexOf("//") + 2);
    const end = url.indexOf("?", start);
    const path = url.slice(start, end < 0 ? undefined : end);
    if (basePath === "/" || (path !== basePath && !path.startsWith(`${basePath}/`))) return path;
    const below = path.slice(basePath.length);
    // Bun upgrades only the original request object to a WebSocket. Its URL is therefore replaced in place.
    Object.defineProperty(request, "url", {
      value: url.slice(0, start) + (below || "/") + url.slice(start + path.length),
    });
    return below;
  }

  const isProven = createHealthProofCheck(passwordHash);

  return {
    authorize,
    /** Tells whether the sender may know why the recorder is not ready. */
    mayKnowReasons: (request: Request) => authorize.principalOf(request).isTrusted || isProven(request),
    routes: () => createSessionRoutes({ authorize, isOpenToAll, login, sessions, cookies, known }),
    guard,
    async start() {
      await tokens.start();
      const { instance, run_ms, ...stored } = await file.load();
      Object.assign(run, { instance, beforeMs: run_ms, startedMs: nowMs() });
      cookies.nameBy(instance);
      known.restore(stored);
      sessions.restore(stored.sessions);
    },
    /**
     * Saves the logins. Call it before the port is released: then the child process of an upgrade reads our logins when it starts
     * to listen, and we never overwrite a newer file.
     */
    async stop() {
      if (login !== null) onChange();
      await isDoneWithin(Promise.all([file.settled(), tokens.stop()]), longestWriteMs);
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
  return respond(400, errorBody(code, message));
}
