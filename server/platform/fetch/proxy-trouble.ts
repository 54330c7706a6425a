import { codeOf, messageOf } from "../errors.ts";
import { type ProxyRoute, proxyOption, type Route } from "./proxy-route.ts";

/** A request failed at the proxy, not at the server behind it. The message says what to do; it never holds a password. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
}

/**
 * Explains a failure on the way through a proxy; null if the proxy is not the cause.
 * `detail` is the text of Bun's `fetch`, of its WebSocket, or of a tunnel of ours; `target` is `host:port`.
 */
export function proxyTrouble({ name, variable }: ProxyRoute, target: string, detail: string): string | null {
  const status = /(?:open a tunnel|authentication required|connection failed): (\d{3})\b/i.exec(detail)?.[1];
  if (status === "407")
    return `${name} asks for a login (HTTP 407); write user and password into ${variable}: http://user:password@host:port`;
  if (status === "403") {
    const remedy = target.endsWith(":443") ? "" : "; many proxies allow only port 443";
    return `${name} does not allow ${target} (HTTP 403); allow it there${remedy}`;
  }
  if (status !== undefined && status >= "500")
    return `${name} cannot reach ${target} (HTTP ${status}); check the network behind it, and its log`;
  const isForeign = /^Invalid response|Malformed_HTTP_Response|WRONG_VERSION_NUMBER|EPROTO|UnexpectedSchema/.test(
    detail,
  );
  if (status !== undefined || isForeign || /WRONG_VERSION_NUMBER/.test(detail)) {
    const seen = status === undefined ? "an answer that is not a tunnel" : `HTTP ${status}`;
    return `${name} does not open a tunnel to ${target} (${seen}): a login page, a filter, or no HTTP proxy; check ${variable}`;
  }
  if (/Failed to connect|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/.test(detail))
    return `${name} cannot be reached; check ${variable} and the network`;
  if (/Connection ended|ECONNRESET/.test(detail)) return `${name} closed the connection to ${target}; check its log`;
  return null;
}

/** Fetches on a route. @throws ProxyError if the proxy is the cause of a failure, Error if the route is unusable */
export async function fetchThrough(route: Route, url: string, init: BunFetchRequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, proxy: proxyOption(route) });
  } catch (error) {
    throw route.kind === "proxy" ? withProxyWords(error, route, url) : error;
  }
}

/** Replaces an error of `fetch` by a ProxyError if the proxy is the cause. */
function withProxyWords(error: unknown, route: ProxyRoute, url: string): unknown {
  const { hostname, port, protocol } = new URL(url);
  const target = `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
  const words = proxyTrouble(route, target, `${messageOf(error)} ${codeOf(error) ?? ""}`);
  return words === null ? error : new ProxyError(words, { cause: error });
}
