import { errorBody } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";
import type { Client, ReadClient } from "./client-address.ts";
import type { createCookies } from "./cookies.ts";
import type { KnownLogins } from "./lanes/known-logins.ts";
import type { Login, LoginResult } from "./login.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import type { Sessions } from "./sessions.ts";
import type { TokenScope } from "./tokens/token-file.ts";
import { isSecret } from "./tokens/token-file.ts";
import { includesScope, scopeNeeded } from "./tokens/token-scope.ts";
import type { Tokens, TokenVerdict } from "./tokens/tokens.ts";

/** The sender of an authorized request. */
export type Principal = Client & {
  /** Id of the cookie's session, or null. */
  readonly session: string | null;
  /** Id of the token that the request carries, or null. */
  readonly token: string | null;
  /** May see everything behind the password; true for everybody if there is no password. */
  readonly isTrusted: boolean;
};

/** Authorizes requests before any route sees them. */
export type Authorize = {
  /** Returns null to let the request through, else the refusal. `path` is relative to the base path, without query. */
  authorize(request: Request, path: string, peer: string): Response | null | Promise<Response | null>;
  /** Returns the sender of an authorized request. */
  principalOf(request: Request): Principal;
  /** Adds security headers and renewed cookies to a response. */
  decorate(request: Request, response: Response): Response;
};

type Deps = {
  readClient: ReadClient;
  originPolicy: OriginPolicy;
  /** Everybody may see everything: there is neither a password nor a proxy that logs people in. */
  isOpenToAll: boolean;
  /** Null if there is no password. */
  login: Login | null;
  tokens: Tokens;
  sessions: Sessions;
  cookies: ReturnType<typeof createCookies>;
  known: KnownLogins;
};

/** Paths open to everybody: health, and the parts of the login page. */
const openPath = /^\/(health\/(live|ready)|login|api\/session|(assets|static)\/[^%\\]*)$/;
const stranger: Principal = {
  address: "",
  isLocal: false,
  proxy: "none",
  isHttps: false,
  hosts: [],
  user: null,
  session: null,
  token: null,
  isTrusted: false,
};

/** Creates the check. Every path needs authorization except `openPath`. */
export function createAuthorize(deps: Deps): Authorize {
  const principals = new WeakMap<Request, Principal>();

  function authorize(request: Request, path: string, peer: string): Response | null | Promise<Response | null> {
    const sender = deps.readClient(request, peer);
    const remember = (session: string | null, isTrusted: boolean, token: string | null = null) =>
      void principals.set(request, { ...sender, session, token, isTrusted });
    const isOpen = openPath.test(path);
    const isHealth = isOpen && path.startsWith("/health/");
    if (deps.isOpenToAll && !isHealth && !deps.originPolicy.isPrivateName(sender)) return notOurName(sender);
    const acts = !isReading(request.method) || request.headers.has("upgrade");
    const foreign = acts ? deps.originPolicy.foreignOrigin(request, sender) : null;
    if (foreign !== null) return crossSite(foreign);
    if (deps.isOpenToAll) {
      remember(null, true);
      return null;
    }

    const token = deps.cookies.read(request, sender.isHttps);
    const session = token === null ? null : deps.sessions.find(token);
    // Only browsers have cookies, and browsers name the page behind an action. Without that the cookie does not count, nor does a proxy's
    // login, which rests on a cookie of the proxy.
    const isProven = !acts || request.headers.has("origin") || request.headers.has("sec-fetch-site");
    // A page that points its own name to this machine (DNS rebinding) could send the header itself.
    const user = sender.user !== null && deps.originPolicy.isPrivateName(sender) ? sender.user : null;
    if ((session !== null || user !== null) && isProven) {
      remember(session, true);
      return null;
    }
    const given = passwordOf(request.headers.get("authorization"));
    if (given !== null && isSecret(given.password)) {
      // A token is no guess at the password: it cannot be guessed, and needs no lane.
      if (isOpen && !isHealth) remember(null, false);
      else return deps.tokens.check(given.password).then(admit);
      return null;
    }
    if (given !== null && deps.login !== null && (!isOpen || isHealth)) {
      const decide = (result: LoginResult) => {
        if (result.kind !== "right" && !isOpen) return loginRefusal(result);
        remember(null, result.kind === "right");
        return null;
      };
      const { address, isLocal } = sender;
      const client = `${given.user}\n${request.headers.get("user-agent") ?? ""}`;
      // Health checks are answered at once, so they never wait in a login lane.
      const applicant = { address, isLocal, device: null, client, waits: !isHealth, signal: request.signal };
      const result = deps.login.attempt(applicant, given.password);
      return result instanceof Promise ? result.then(decide) : decide(result);
    }
    if (isOpen) {
      remember(null, false);
      return null;
    }
    if (sender.user !== null && user === null) return notOurName(sender);
    if (session !== null || user !== null) return crossSite("the browser does not name the page that sent the request");
    return deps.login === null ? proxyNeeded() : loginNeeded(request, path);

    /** Decides on a request with a token. Health is open to all; a token that may read also gets the reasons. */
    function admit(verdict: TokenVerdict): Response | null {
      if (verdict.kind !== "valid") {
        if (!isHealth) return verdict.kind === "unreadable" ? tokensUnreadable() : wrongToken();
        remember(null, false);
        return null;
      }
      const { id, scope } = verdict.token;
      const needed = scopeNeeded(request.method, path);
      const isCovered = includesScope(scope, needed);
      if (!isCovered && !isHealth) return beyondScope(scope, needed);
      remember(null, isCovered, id);
      if (request.headers.has("upgrade")) deps.tokens.watch(id);
      return null;
    }
  }

  return {
    authorize,
    principalOf: (request) => principals.get(request) ?? stranger,
    decorate(request, response) {
      const { isHttps, session } = principals.get(request) ?? stranger;
      if (isHttps) response.headers.set("strict-transport-security", "max-age=31536000");
      if (session === null || request.headers.has("upgrade") || response.headers.has("set-cookie")) return response;
      const token = deps.cookies.read(request, isHttps);
      if (token !== null && deps.sessions.renew(session))
        response.headers.append("set-cookie", deps.cookies.set(isHttps, token));
      // A session from an older version has no device cookie yet: the browser becomes a known device now.
      if (deps.cookies.readDevice(request, isHttps) === null)
        response.headers.append("set-cookie", deps.cookies.setDevice(isHttps, deps.known.createDevice()));
      return response;
    },
  };
}

/** Builds the response to a rejected password, from the login page or from a header. */
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

/** Bearer, because Basic makes browsers open their own login window. */
const challenge = { "www-authenticate": 'Bearer realm="RT-Data"' };

function loginNeeded(request: Request, path: string): Response {
  const wantsPage = isReading(request.method) && (request.headers.get("accept") ?? "").includes("text/html");
  if (!wantsPage)
    return refuse(401, "login_required", "Log in first, or send the password (Basic, Bearer).", challenge);
  const target = encodeURIComponent(path.slice(1) + new URL(request.url).search);
  const location = `${"../".repeat(path.split("/").length - 2)}login${target === "" ? "" : `?to=${target}`}`;
  return new Response(null, { status: 303, headers: { ...securityHeaders, location, "cache-control": "no-store" } });
}

function proxyNeeded(): Response {
  return refuse(401, "login_required", "Open this through the proxy that logs you in, or send a token.", challenge);
}

function wrongToken(): Response {
  return refuse(401, "wrong_token", "The token is unknown, revoked or expired.", challenge);
}

function beyondScope(scope: TokenScope, needed: TokenScope): Response {
  return refuse(403, "token_scope", `This token has the scope ${scope}; this request needs ${needed}.`);
}

function tokensUnreadable(): Response {
  return refuse(503, "tokens_unreadable", "The disk does not answer; try again in a moment.", { "retry-after": "5" });
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

/** Parses the password of `Basic` (with its user name) or `Bearer`; null if it is missing. */
function passwordOf(header: string | null): { readonly user: string; readonly password: string } | null {
  const [, scheme, value] = /^(Basic|Bearer) +(\S.*)$/i.exec(header?.trim() ?? "") ?? [];
  if (scheme === undefined || value === undefined) return null;
  if (scheme.toLowerCase() === "bearer") return { user: "", password: value };
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  return colon < 0 ? null : { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}
