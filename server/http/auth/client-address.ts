import { BlockList, isIP } from "node:net";
import { isLoopback } from "../../platform/fetch/addresses.ts";

/** Who asks, as far as it can be known: what a proxy tells of its client is believed of trusted proxies alone. */
export type Client = {
  /** Address of the client, behind all trusted proxies. */
  readonly address: string;
  /** The client is a program of this machine, and no proxy says that it asks for somebody else. */
  readonly isLocal: boolean;
  /** Whether a trusted proxy may be between: on this machine, where a browser cannot be told from one, or on another. */
  readonly proxy: "none" | "local" | "remote";
  /** The client's own connection is encrypted, as far as is known. */
  readonly isHttps: boolean;
  /** `host` or `host:port` in lower case, as the client may have written it in its address; the first is `Host` itself. */
  readonly hosts: readonly string[];
};

/** Reads a visitor out of a request and the address at the other end of its connection. */
export type ReadClient = (request: Request, peer: string) => Client;

/** `trustedProxies` are addresses and ranges; `publicUrl` is how the page is reached from outside, or empty. */
export function createReadClient(options: { trustedProxies: readonly string[]; publicUrl: string }): ReadClient {
  const trusted = createRanges(options.trustedProxies);
  const own = options.publicUrl === "" ? null : new URL(options.publicUrl);

  return ({ headers }, peer) => {
    const isProxied = trusted(peer);
    const forwardedFor = isProxied ? headers.get("x-forwarded-for") : null;
    const address = forwardedFor === null ? plain(peer) : clientOf(forwardedFor, plain(peer), trusted);
    const host = (headers.get("host") ?? "").toLowerCase();
    const forwardedHost = isProxied ? (headers.get("x-forwarded-host") ?? "").trim().toLowerCase() : "";
    const proto = isProxied ? headers.get("x-forwarded-proto") : null;
    return {
      address,
      isLocal: forwardedFor === null && isLoopback(peer),
      proxy: !isProxied ? "none" : isLoopback(peer) ? "local" : "remote",
      isHttps: proto === null ? own?.protocol === "https:" && own.host === host : proto.trim() === "https",
      hosts: forwardedHost === "" ? [host] : [host, forwardedHost],
    };
  };
}

/** Without the form that IPv4 has on a socket of both kinds. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/** The list is read from its end: each proxy appends whom it saw, and what stands before the first stranger is hearsay. */
function clientOf(forwardedFor: string, peer: string, trusted: (address: string) => boolean): string {
  let client = peer;
  for (const entry of forwardedFor.split(",").slice(-16).reverse()) {
    const address = plain(entry.trim().replace(/^\[(.*)\](:\d+)?$/, "$1"));
    if (isIP(address) === 0) return client;
    client = address;
    if (!trusted(address)) return client;
  }
  return client;
}

function createRanges(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const kind = isIP(address);
    return kind !== 0 && list.check(address, kind === 6 ? "ipv6" : "ipv4");
  };
}
