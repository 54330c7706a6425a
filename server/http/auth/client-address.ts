import { BlockList, isIP } from "node:net";
import { isLoopback } from "../../platform/fetch/addresses.ts";

/** The client of a request. Forwarded headers count only if they come from a trusted proxy. */
export type Client = {
  /** Address of the client behind all trusted proxies. */
  readonly address: string;
  /** The client is a program on this machine, and no trusted proxy forwards for another address. */
  readonly isLocal: boolean;
  /** Whether a trusted proxy may be in between. On this machine (`local`) a proxy cannot be told from a browser. */
  readonly proxy: "none" | "local" | "remote";
  /** The client's connection is encrypted, as far as we can tell. */
  readonly isHttps: boolean;
  /** The user whom a trusted proxy has logged in, by `http.trusted_user_header`; or null. */
  readonly user: string | null;
  /** Possible hosts of the client's URL, lower case: `host` or `host:port`. The first is the `Host` header. */
  readonly hosts: readonly string[];
};

/** Reads the client from a request and the peer address of its connection. */
export type ReadClient = (request: Request, peer: string) => Client;

/**
 * Creates the reader. `trustedProxies` are addresses and ranges; `publicUrl` is the page's public URL, or empty; `userHeader` is the
 * header that names the user whom a proxy has logged in, or empty.
 */
export function createReadClient(options: {
  trustedProxies: readonly string[];
  publicUrl: string;
  userHeader?: string;
}): ReadClient {
  const { userHeader = "" } = options;
  const trusted = createRanges(options.trustedProxies);
  const publicAddress = options.publicUrl === "" ? null : new URL(options.publicUrl);

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
      isHttps:
        proto === null ? publicAddress?.protocol === "https:" && publicAddress.host === host : proto.trim() === "https",
      user: isProxied && userHeader !== "" ? headers.get(userHeader)?.trim() || null : null,
      hosts: forwardedHost === "" ? [host] : [host, forwardedHost],
    };
  };
}

/** Removes the `::ffff:` prefix that IPv4 addresses have on a dual-stack socket. */
function plain(address: string): string {
  return address.startsWith("::ffff:") && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}

/**
 * Returns the client's address. Each proxy appends its peer, so the list is read from its end. Entries before the first untrusted
 * address can be forged and are ignored.
 */
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
