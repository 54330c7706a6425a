import { sessionMs } from "./sessions.ts";

/** Lifetime of a device cookie: 400 days, the most that browsers allow. The server never expires a device. */
const deviceSeconds = 400 * 86_400;

/**
 * Reads and writes two cookies: the session's token, and the mark of a browser that has logged in before.
 *
 * - Names carry the recorder's instance. Cookies ignore ports, so two recorders on one host would overwrite each other's cookies.
 * - Over https names start with `__Host-`, or `__Secure-` below a path. Browsers then reject such cookies from insecure pages.
 * - SameSite is Lax, so that a link in a message opens the page without another login.
 */
export function createCookies(basePath: string) {
  let instance = "";
  const prefix = (isHttps: boolean) => (isHttps ? (basePath === "/" ? "__Host-" : "__Secure-") : "");
  const sessionName = (isHttps: boolean) => `${prefix(isHttps)}rt-data-${instance}`;
  const deviceName = (isHttps: boolean) => `${prefix(isHttps)}rt-data-device-${instance}`;
  /** Name of the session cookie in earlier versions. */
  const oldName = (isHttps: boolean) => `${prefix(isHttps)}rt-data`;
  const header = (name: string, isHttps: boolean, value: string, seconds: number) =>
    [
      `${name}=${value}`,
      `Path=${basePath}`,
      `Max-Age=${seconds}`,
      "HttpOnly",
      "SameSite=Lax",
      ...(isHttps ? ["Secure"] : []),
    ].join("; ");

  return {
    nameBy(recorder: string) {
      instance = recorder;
    },
    set: (isHttps: boolean, token: string) => header(sessionName(isHttps), isHttps, token, sessionMs / 1000),
    clear: (isHttps: boolean) => header(sessionName(isHttps), isHttps, "", 0),
    setDevice: (isHttps: boolean, device: string) => header(deviceName(isHttps), isHttps, device, deviceSeconds),
    /** Returns the session token of a request, or null. */
    read: (request: Request, isHttps: boolean) =>
      cookieOf(request, sessionName(isHttps)) ?? cookieOf(request, oldName(isHttps)),
    /** Returns the device cookie of a request, unverified, or null. */
    readDevice: (request: Request, isHttps: boolean) => cookieOf(request, deviceName(isHttps)),
  };
}

function cookieOf(request: Request, name: string): string | null {
  const start = `${name}=`;
  const pair = (request.headers.get("cookie") ?? "").split(/; */).find((cookie) => cookie.startsWith(start));
  return pair === undefined ? null : pair.slice(start.length);
}
