import { sessionMs } from "./sessions.ts";

/**
 * The cookie that holds a session's token. Behind https its name has a prefix by which browsers keep it from being set by anybody
 * else: `__Host-`, or `__Secure-` below a path. Lax, so that a link in a message leads in without another login.
 */
export function createSessionCookie(basePath: string) {
  const nameOf = (isHttps: boolean) => `${isHttps ? (basePath === "/" ? "__Host-" : "__Secure-") : ""}rt-data`;
  const header = (isHttps: boolean, value: string, seconds: number) =>
    [
      `${nameOf(isHttps)}=${value}`,
      `Path=${basePath}`,
      `Max-Age=${seconds}`,
      "HttpOnly",
      "SameSite=Lax",
      ...(isHttps ? ["Secure"] : []),
    ].join("; ");

  return {
    set: (isHttps: boolean, token: string) => header(isHttps, token, sessionMs / 1000),
    clear: (isHttps: boolean) => header(isHttps, "", 0),
    /** The token that a request brings, or null. */
    read(request: Request, isHttps: boolean): string | null {
      const start = `${nameOf(isHttps)}=`;
      const pair = (request.headers.get("cookie") ?? "").split(/; */).find((one) => one.startsWith(start));
      return pair === undefined ? null : pair.slice(start.length);
    },
  };
}
