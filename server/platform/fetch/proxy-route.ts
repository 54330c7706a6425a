import { BlockList, isIP } from "node:net";
import { type ProxyVariables, proxyVariables } from "../process/environment.ts";
import { isLoopback } from "./addresses.ts";

/** The way to a server. "unusable": a proxy is set that cannot be used; requests fail. */
export type Route =
  | { readonly kind: "direct" }
  | ProxyRoute
  | { readonly kind: "unusable"; readonly variable: string; readonly problem: string };

export type ProxyRoute = {
  readonly kind: "proxy";
  /** The address of the proxy, which may hold a password: never show it. */
  readonly url: string;
  /** Name for people: `the proxy proxy.corp:3128 (HTTPS_PROXY)`. */
  readonly name: string;
  readonly variable: string;
};

/**
 * Returns the way to a server: REST and sockets take the same.
 *
 * | target         | variables, the first that is set; lower case wins | exceptions                              |
 * |----------------|---------------------------------------------------|-----------------------------------------|
 * | https:, wss:   | HTTPS_PROXY, ALL_PROXY                            | NO_PROXY, and this machine (loopback)   |
 * | http:, ws:     | HTTP_PROXY, ALL_PROXY                             | the same                                |
 */
export function routeTo(target: string, variables: ProxyVariables = proxyVariables()): Route {
  const { hostname, protocol, port } = new URL(target);
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const isSecure = protocol === "https:" || protocol === "wss:";
  const names = [isSecure ? "HTTPS_PROXY" : "HTTP_PROXY", "ALL_PROXY"] as const;
  const variable = names.find((name) => variables[name] !== "");
  if (variable === undefined || isLoopback(host)) return { kind: "direct" };
  if (isExcepted(host, port || (isSecure ? "443" : "80"), variables.NO_PROXY)) return { kind: "direct" };
  return proxyOf(variable, variables[variable]);
}

/** Returns the option `proxy` of Bun's `fetch` for a route. @throws Error if the proxy cannot be used */
export function proxyOption(route: Route): false | { url: string; respectNoProxy: false } {
  if (route.kind === "unusable") throw new Error(route.problem);
  return route.kind === "direct" ? false : { url: route.url, respectNoProxy: false };
}

/** Returns the words to append to a finding or a reason; empty if no proxy is in between. */
export function throughProxy(route: Route): string {
  return route.kind === "proxy" ? ` through ${route.name}` : "";
}

function proxyOf(variable: string, value: string): Route {
  const address = value.includes("://") ? value : `http://${value}`;
  const accepted = `${variable} must be the address of an HTTP proxy: http://host:port`;
  if (!URL.canParse(address)) return { kind: "unusable", variable, problem: `${accepted}; it is not an address` };
  const url = new URL(address);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    const scheme = url.protocol.slice(0, -1);
    return { kind: "unusable", variable, problem: `${accepted}; ${scheme} proxies are not supported` };
  }
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return { kind: "proxy", url: address, name: `the proxy ${url.hostname}:${port} (${variable})`, variable };
}

/** Tests whether NO_PROXY lists the host: names with their subdomains, addresses, ranges, each with an optional port; `*` is all. */
function isExcepted(host: string, port: string, exceptions: string): boolean {
  return exceptions
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === "*") return true;
      const [, bracketed, plain = "", entryPort] = /^(?:\[(.*)\]|(.*?))(?::(\d+))?$/.exec(entry) ?? [];
      // An IPv6 address without brackets has no port.
      const name = isIP(entry) === 6 || entry.includes("/") ? entry : (bracketed ?? plain);
      if (name === "" || (name !== entry && entryPort !== undefined && entryPort !== port)) return false;
      if (isIP(host) !== 0) return isInRange(host, name);
      const domain = name.replace(/^\*?\./, "");
      return host === domain || host.endsWith(`.${domain}`);
    });
}

function isInRange(host: string, range: string): boolean {
  const [address = "", bits] = range.split("/");
  const family = isIP(address);
  if (family === 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false;
  const width = family === 4 ? 32 : 128;
  if (Number(bits ?? width) > width) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits ?? width), family === 4 ? "ipv4" : "ipv6");
  return list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}
