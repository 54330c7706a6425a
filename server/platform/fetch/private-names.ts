import { isIP } from "node:net";
import { isLoopback } from "./addresses.ts";

/** Names that no public name server can answer for: who owns a domain cannot make one of them lead here. */
const privateName = /^[\w-]+$|^[\w.-]+\.(local|lan|home|internal|intranet|localdomain|home\.arpa|test)$/;

/**
 * True if the name by which we were asked (`Host`) is one that nobody else can have: an address, a private name, or one of `names`. A
 * page of somebody else can let its own name lead to this machine (DNS rebinding), and its visitors' browsers then take us for a part
 * of it.
 */
export function isPrivateName(host: string, names: ReadonlySet<string>): boolean {
  const name = host.replace(/:\d+$/, "").replace(/\.$/, "");
  return isIP(name.replace(/^\[|\]$/g, "")) !== 0 || privateName.test(name) || isLoopback(name) || names.has(name);
}

/** Null, or why a request that a browser sends for another page's sake is refused; `isOurs` knows our pages. */
export function foreignOrigin(headers: Headers, isOurs: (origin: URL) => boolean): string | null {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return `sec-fetch-site is ${site}`;
  const origin = headers.get("origin");
  if (origin === null) return null;
  if (!URL.canParse(origin)) return "the origin is unknown";
  const from = new URL(origin);
  return isOurs(from) ? null : `the page is of ${from.host}`;
}
