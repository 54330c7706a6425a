import { hostname } from "node:os";
import { foreignOrigin, isPrivateName } from "../platform/fetch/private-names.ts";

/**
 * Refuses what a browser sends for the sake of another site's page: names that others can let lead here are not answered (421), and
 * only our own pages may open sockets or change something (403). Programs send no origin, and ask by an address or a name of ours.
 */
export function createSiteCheck(options: {
  host: string;
  names: readonly string[];
}): (request: Request) => Response | null {
  const names = new Set([options.host, hostname(), ...options.names].map((name) => name.toLowerCase()));

  return ({ headers, method }) => {
    const host = (headers.get("host") ?? "").toLowerCase();
    if (!isPrivateName(host, names)) {
      const advice = `This replay does not know itself as ${JSON.stringify(host)}; if that is yours, give --names.`;
      return refuse(421, "unknown_host", advice);
    }
    const acts = (method !== "GET" && method !== "HEAD") || headers.has("upgrade");
    const foreign = acts ? foreignOrigin(headers, (origin) => origin.host === hostOf(origin, host)) : null;
    return foreign === null ? null : refuse(403, "cross_site", `Pages of other sites may not do that: ${foreign}.`);
  };
}

/** As the origin would write it: a scheme's own port is left out. */
function hostOf({ protocol }: URL, host: string): string {
  const address = `${protocol}//${host}`;
  return URL.canParse(address) ? new URL(address).host : host;
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status, headers: { "cache-control": "no-store" } });
}
