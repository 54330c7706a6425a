import { Elysia, t } from "elysia";
import { longestPassword } from "../../platform/password-hash.ts";
import { type Authorize, loginRefusal } from "./authorize.ts";
import type { createCookies } from "./cookies.ts";
import type { KnownLogins } from "./lanes/known-logins.ts";
import type { Login } from "./login.ts";
import type { Sessions } from "./sessions.ts";

/** Whether a password is set, and whether the sender may see everything behind it. */
export type SessionAnswer = { readonly password: boolean; readonly logged_in: boolean };

type Deps = {
  authorize: Authorize;
  isOpenToAll: boolean;
  login: Login | null;
  sessions: Sessions;
  cookies: ReturnType<typeof createCookies>;
  known: KnownLogins;
};

/** Serves login and logout for the page. */
export function createSessionRoutes({ authorize, isOpenToAll, login, sessions, cookies, known }: Deps) {
  const tags = ["session"];
  return new Elysia({ name: "session-api", prefix: "/api" })
    .get(
      "/session",
      ({ request, set }): SessionAnswer => {
        set.headers["cache-control"] = "no-store";
        return { password: login !== null, logged_in: authorize.principalOf(request).isTrusted };
      },
      { detail: { tags, summary: "Whether a password is needed, and whether the sender is logged in" } },
    )
    .post(
      "/session",
      async ({ body, request, set }): Promise<SessionAnswer | Response> => {
        set.headers["cache-control"] = "no-store";
        if (login === null) return { password: false, logged_in: authorize.principalOf(request).isTrusted };
        const { address, isLocal, isHttps, session } = authorize.principalOf(request);
        const device = known.deviceOf(cookies.readDevice(request, isHttps));
        const applicant = { address, isLocal, device, client: null, waits: true, signal: request.signal };
        const result = await login.attempt(applicant, body.password);
        if (result.kind !== "right") return loginRefusal(result);
        if (session !== null) sessions.end(session);
        set.headers["set-cookie"] = [
          cookies.set(isHttps, sessions.create()),
          cookies.setDevice(
            isHttps,
            device === null ? known.createDevice() : (cookies.readDevice(request, isHttps) ?? ""),
          ),
        ];
        return { password: true, logged_in: true };
      },
      {
        body: t.Object({ password: t.String({ maxLength: longestPassword }) }),
        parse: "json",
        detail: { tags, summary: "Log in: a cookie for 30 days; 401 wrong_password, 429 too_many_attempts" },
      },
    )
    .delete(
      "/session",
      ({ request, set }): SessionAnswer => {
        const { isHttps, session } = authorize.principalOf(request);
        set.headers["cache-control"] = "no-store";
        if (session !== null) sessions.end(session);
        set.headers["set-cookie"] = cookies.clear(isHttps);
        return { password: login !== null, logged_in: isOpenToAll };
      },
      { detail: { tags, summary: "Log out; open pages of the session are closed" } },
    );
}
