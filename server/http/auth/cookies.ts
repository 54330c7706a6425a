import { sessionMs } from "./sessions.ts";

/** Browsers keep a cookie for 400 days at most; a known device is never forgotten by a clock of ours. */
const deviceSeconds = 400 * 86_400;

/**
 * The cookies: the session's token, and the mark of a browser that has logged in before. Their names carry the recorder's instance:
 * cookies do not know ports, so two recorders on one host would overwrite each other's. Behind https the names have a prefix by which
 * browsers keep them from being set by anybody else: `__Host-`, or `__Secure-` below a path. Lax, so that a link in a message leads
 * in without another login.
 */
export function createCookies(basePath: string) {
  let instance = "";
  const prefix = (isHttps: boolean) => (isHttps ? (basePath === "/" ? "__Host-" : "__Secure-") : "");
  const sessionName = (isHttps: boolean) => `${prefix(isHttps)}rt-data-${instance}`;
  const deviceName = (isHttps: boolean) => `${prefix(isHttps)}rt-data-device-${instance}`;
  /** Versions before this one named it so. */
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
    nameBy(of: string) {
      instance = of;
    },
    set: (isHttps: boolean, token: string) => header(sessionName(isHttps), isHttps, token, sessionMs / 1000),
    clear: (isHttps: boolean) => header(sessionName(isHttps), isHttps, "", 0),
    setDevice: (isHttps: boolean, device: string) => header(deviceName(isHttps), isHttps, device, deviceSeconds),
    /** The session's token that a request brings, or null. */
    read: (request: Request, isHttps: boolean) =>
      cookieOf(request, sessionName(isHttps)) ?? cookieOf(request, oldName(isHttps)),
    /** The mark of a known device that a request brings, or null. */
    readDevice: (request: Request, isHttps: boolean) => cookieOf(request, deviceName(isHttps)),
  };
}

function cookieOf(request: Request, name: string): string | null {
  const start = `${name}=`;
  const pair = (request.headers.get("cookie") ?? "").split(/; */).find((one) => one.startsWith(start));
  return pair === undefined ? null : pair.slice(start.length);
}
