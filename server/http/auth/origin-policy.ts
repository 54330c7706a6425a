import { hostname } from "node:os";
import { foreignOrigin, isPrivateName } from "../../platform/fetch/private-names.ts";
import type { Client } from "./client-address.ts";

/** Checks the host name of a request and the page that sent it. */
export type OriginPolicy = {
  /**
   * True if the requested host is an address, a private name or a name of ours. A foreign page can point its public name at this
   * machine (DNS rebinding); browsers then treat us as part of that page. Addresses and private names cannot be abused like that.
   */
  isPrivateName(client: Client): boolean;
  /** Returns why a foreign page's request is refused; null if it is allowed. Programs send no origin and are allowed. */
  foreignOrigin(request: Request, client: Client): string | null;
};

/** Creates the policy. `host` is the bound host; `publicUrl` is the page's public URL, or empty. */
export function createOriginPolicy(options: { host: string; publicUrl: string }): OriginPolicy {
  const publicAddress = options.publicUrl === "" ? null : new URL(options.publicUrl);
  const names = new Set([options.host.toLowerCase(), hostname().toLowerCase(), publicAddress?.hostname ?? ""]);

  return {
    isPrivateName({ hosts: [host = ""], proxy }) {
      return isPrivateName(host, names) || proxy === "remote";
    },
    foreignOrigin({ headers }, client) {
      const isSame = (from: URL) => client.hosts.some((host) => isSameHost(from, host, client.proxy !== "none"));
      return foreignOrigin(headers, (from) => isSame(from) || from.host === publicAddress?.host);
    },
  };
}

/** Compares an origin with a host. A proxy may drop the port, so a missing port then matches. */
function isSameHost(origin: URL, host: string, isProxied: boolean): boolean {
  const address = `${origin.protocol}//${host}`;
  if (host === "" || !URL.canParse(address)) return false;
  const requested = new URL(address);
  return (
    requested.host === origin.host || (isProxied && requested.port === "" && requested.hostname === origin.hostname)
  );
}
