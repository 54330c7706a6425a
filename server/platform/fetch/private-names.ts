import { isIP } from "node:net";
import { isLoopback } from "./addresses.ts";

/** Names outside the public name system. The owner of a public domain cannot make these resolve to this machine. */
const privateName = /^[\w-]+$|^[\w.-]+\.(local|lan|home|internal|intranet|localdomain|home\.arpa|test)$/;

/**
 * Tests whether the `Host` of a request belongs to this machine: an address, a private name, or one of `names`.
 * This stops DNS rebinding: a foreign page can make its own domain name resolve to this machine, and browsers then treat our answers as
 * part of that page.
 */
export function isPrivateName(host: string, names: ReadonlySet<string>): boolean {
  const name = host.replace(/:\d+$/, "").replace(/\.$/, "");
  return isIP(name.replace(/^\[|\]$/g, "")) !== 0 || privateName.test(name) || isLoopback(name) || names.has(name);
}

/** Returns why a browser request sent by a foreign page is refused, or null. `isOurs` knows our own pages. */
export function foreignOrigin(headers: Headers, isOurs: (origin: URL) => boolean): string | null {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return `sec-fetch-site is ${site}`;
  const origin = headers.get("origin");
  if (origin === null) return null;
  if (!URL.canParse(origin)) return "the origin is unknown";
  const from = new URL(origin);
  return isOurs(from) ? null : `the page belongs to ${from.host}`;
}
