import { errorBody } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";
import type { Client, ReadClient } from "./client-address.ts";
import type { createCookies } from "./cookies.ts";
import type { KnownLogins } from "./lanes/known-logins.ts";
import type { Login, LoginResult } from "./login.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import type { Sessions } from "./sessions.ts";

/** Somebody who has been let in. */
export type Principal = Client & {
  /** Id of the session that the cookie stands for, or null. */
  readonly session: string | null;
  /** May see what the password guards; true for everybody where there is none. */
  readonly isTrusted: boolean;
};

/** Decides who may have what, before anything else looks at a request. */
export type Authorize = {
  /** Null lets it through; `path` is the address as the routes know it, without query. */
  admit(request: Request, path: string, peer: string): Response | null | Promise<Response | null>;
  /** Who sent a request that was let through. */
  guestOf(request: Request): Principal;
  /** Adds to an answer what belongs to it for the one who asked. */
  dress(request: Request, response: Response): Response;
};

type Deps = {
  readVisitor: ReadClient;
  site: OriginPolicy;
  /** Null: there is no password. */
  login: Login | null;
  sessions: Sessions;
  cookies: ReturnType<typeof createCookies>;
  known: KnownLogins;
};

/** What strangers may have: whether the recorder is well, and what the login page is made of. */
const openPath = /^\/(health\/(live|ready)|login|api\/session|(assets|static)\/[^%\\]*)$/;
const stranger: Principal = {
  ...{ address: "", isLocal: false, proxy: "none", isHttps: false, hosts: [] },
  ...{ session: null, isTrusted: false },
};

/** The gate of a server. Everything is guarded but what is named as open. */
export function createAuthorize(deps: Deps): Authorize {
  const guests = new WeakMap<Request, Principal>();

  function admit(request: Request, path: string, peer: string): Response | null | Promise<Response | null> {
    const visitor = deps.readVisitor(request, peer);
    const guest = (session: string | null, isTrusted: boolean) =>
      void guests.set(request, { ...visitor, session, isTrusted });
    const isOpen = openPath.test(path);
    const isHealth = isOpen && path.startsWith("/health/");
    if (deps.login === null && !isHealth && !deps.site.isPrivateName(visitor)) return notOurName(visitor);
    const acts = !isReading(request.method) || request.headers.has("upgrade");
    const foreign = acts ? deps.site.foreignOrigin(request, visitor) : null;
    if (foreign !== null) return crossSite(foreign);
    if (deps.login === null) {
      guest(null, true);
      return null;
    }

    const token = deps.cookies.read(request, visitor.isHttps);
    const session = token === null ? null : deps.sessions.find(token);
    // A browser says where it acts from; whoever has a cookie is one.
    const isProven = !acts || request.headers.has("origin") || request.headers.has("sec-fetch-site");
    if (session !== null && isProven) {
      guest(session, true);
      return null;
    }
    const given = passwordOf(request.headers.get("authorization"));
    if (given !== null && (!isOpen || isHealth)) {
      const decide = (result: LoginResult) => {
        if (result.kind !== "right" && !isOpen) return loginRefusal(result);
        guest(null, result.kind === "right");
        return null;
      };
      const { address, isLocal } = visitor;
      const client = `${given.user}\n${request.headers.get("user-agent") ?? ""}`;
      // Whether all is well is told at once, to whoever asks.
      const applicant = { address, isLocal, device: null, client, waits: !isHealth, signal: request.signal };
      const result = deps.login.attempt(applicant, given.password);
      return result instanceof Promise ? result.then(decide) : decide(result);
    }
    if (isOpen) {
      guest(null, false);
      return null;
    }
    return session === null ? loginNeeded(request, path) : crossSite("the browser does not say of which page it is");
  }

  return {
    admit,
    guestOf: (request) => guests.get(request) ?? stranger,
    dress(request, response) {
      const { isHttps, session } = guests.get(request) ?? stranger;
      if (isHttps) response.headers.set("strict-transport-security", "max-age=31536000");
      if (session === null || request.headers.has("upgrade") || response.headers.has("set-cookie")) return response;
      const token = deps.cookies.read(request, isHttps);
      if (token !== null && deps.sessions.renew(session))
        response.headers.append("set-cookie", deps.cookies.set(isHttps, token));
      // A browser that was logged in by an older version becomes a known device.
      if (deps.cookies.readDevice(request, isHttps) === null)
        response.headers.append("set-cookie", deps.cookies.setDevice(isHttps, deps.known.createDevice()));
      return response;
    },
  };
}

/** How a password that was not let in is answered, whatever it came in. */
export function loginRefusal(result: Exclude<LoginResult, { kind: "right" }>): Response {
  if (result.kind === "wrong") {
    const headers = result.waitMs > 0 ? { ...challenge, "retry-after": seconds(result.waitMs) } : challenge;
    return refuse(401, "wrong_password", "The password is wrong.", headers);
  }
  if (result.kind === "busy")
    return refuse(503, "login_busy", "Others are logging in; try again in a moment.", { "retry-after": "1" });
  const wait = seconds(result.waitMs);
  return refuse(429, "too_many_attempts", `Too many wrong passwords; wait ${wait} s.`, { "retry-after": wait });
}

/** Bearer, since browsers would answer Basic with a window of their own in front of the login page. */
const challenge = { "www-authenticate": 'Bearer realm="RT-Data"' };

function loginNeeded(request: Request, path: string): Response {
  const wantsPage = isReading(request.method) && (request.headers.get("accept") ?? "").includes("text/html");
  if (!wantsPage)
    return refuse(401, "login_required", "Log in first, or send the password (Basic, Bearer).", challenge);
  const target = encodeURIComponent(path.slice(1) + new URL(request.url).search);
  const location = `${"../".repeat(path.split("/").length - 2)}login${target === "" ? "" : `?to=${target}`}`;
  return new Response(null, { status: 303, headers: { ...securityHeaders, location, "cache-control": "no-store" } });
}

function notOurName({ hosts }: Client): Response {
  const name = JSON.stringify(hosts[0] ?? "");
  const message = `This recorder does not know itself as ${name}; if it is yours, set http.public_url to its address, or a password.`;
  return refuse(421, "unknown_host", message);
}

function crossSite(why: string): Response {
  return refuse(403, "cross_site", `Only the dashboard's own page may do that: ${why}.`);
}

function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  const all = { ...securityHeaders, "cache-control": "no-store", ...headers };
  return Response.json(errorBody(code, message), { status, headers: all });
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000));
}

/** The password of `Basic`, with its user name, or of `Bearer`; or null. */
function passwordOf(header: string | null): { readonly user: string; readonly password: string } | null {
  const [, scheme, value] = /^(Basic|Bearer) +(\S.*)$/i.exec(header?.trim() ?? "") ?? [];
  if (scheme === undefined || value === undefined) return null;
  if (scheme.toLowerCase() === "bearer") return { user: "", password: value };
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? null : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
