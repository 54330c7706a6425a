import { hostname } from "node:os";
import { foreignOrigin, isPrivateName } from "../../platform/fetch/private-names.ts";
import type { Client } from "./client-address.ts";

/** What is asked of a host name and of the page that a request comes from. */
export type OriginPolicy = {
  /**
   * True where the name by which we were asked is one of ours. A page of somebody else can let its own name lead to this machine
   * (DNS rebinding), and its visitors' browsers then take us for a part of it; an address or a private name cannot be had for that.
   */
  isPrivateName(visitor: Client): boolean;
  /** Null, or why a request that a browser sends for another page's sake is refused. Who sends no origin is no page. */
  foreignOrigin(request: Request, visitor: Client): string | null;
};

/** `host` is what is listened on, `publicUrl` how the page is reached from outside, or empty. */
export function createOriginPolicy(options: { host: string; publicUrl: string }): OriginPolicy {
  const own = options.publicUrl === "" ? null : new URL(options.publicUrl);
  const names = new Set([options.host.toLowerCase(), hostname().toLowerCase(), own?.hostname ?? ""]);

  return {
    isPrivateName({ hosts: [host = ""], proxy }) {
      return isPrivateName(host, names) || proxy === "remote";
    },
    foreignOrigin({ headers }, visitor) {
      const isSame = (from: URL) => visitor.hosts.some((host) => isSameHost(from, host, visitor.proxy !== "none"));
      return foreignOrigin(headers, (from) => isSame(from) || from.host === own?.host);
    },
  };
}

/** A proxy may leave the port out of what it passes on. */
function isSameHost(origin: URL, host: string, isProxied: boolean): boolean {
  const address = `${origin.protocol}//${host}`;
  if (host === "" || !URL.canParse(address)) return false;
  const asked = new URL(address);
  return asked.host === origin.host || (isProxied && asked.port === "" && asked.hostname === origin.hostname);
}
