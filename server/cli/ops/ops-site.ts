import { isIP } from "node:net";
import type { Config } from "../../config/config.ts";
import { OperatorError } from "../../platform/errors.ts";

/** The addresses of the page, from outside and from the proxy in front of it. */
export type Site = {
  /** `data.example.org` */
  readonly serverName: string;
  /** The server name, with the port unless it is 443. */
  readonly publicHost: string;
  /** The address at which the proxy reaches RT-Data: `127.0.0.1:8000`. */
  readonly upstream: string;
  /** Path of the page with a slash at both ends: `/` or `/rt-data/`. */
  readonly location: string;
};

/** Derives the addresses from the config. @throws OperatorError for settings that a proxy cannot serve */
export function siteOf({ http }: Config): Site {
  if (http.public_url === "") {
    throw new OperatorError(
      'http.public_url is not set, so the name of the site is unknown; set it in the config: public_url = "https://data.example.org"',
    );
  }
  const url = new URL(http.public_url);
  if (url.protocol !== "https:")
    throw new OperatorError(
      `http.public_url is ${http.public_url}, but must begin with https; give https://${url.host}`,
    );
  if (!isDomain(url.hostname))
    throw new OperatorError(
      `http.public_url is ${http.public_url}; a certificate needs a name such as data.example.org: letters, digits and hyphens between dots`,
    );
  const path = url.pathname.replace(/\/$/, "") || "/";
  if (path !== http.base_path) {
    throw new OperatorError(
      `http.public_url ends with ${path}, but http.base_path is ${http.base_path}; make them the same`,
    );
  }
  return {
    serverName: url.hostname,
    publicHost: url.host,
    upstream: upstreamOf(http),
    location: path === "/" ? "/" : `${path}/`,
  };
}

/**
 * Tells whether DNS and a certificate allow the name. A URL allows more characters (`a;b`, `$x`, `{y}`), which would have a meaning of
 * their own in files for nginx, a shell or ddclient.
 */
function isDomain(name: string): boolean {
  const labels = name.split(".");
  const isLabel = (label: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label);
  return name.length <= 253 && labels.length > 1 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? "");
}

/** Returns the address at which a proxy on this machine reaches RT-Data. */
export function upstreamOf({ host, port }: Pick<Config["http"], "host" | "port">): string {
  if (port === 0)
    throw new OperatorError("http.port is 0 (any free port), but a proxy needs a fixed port; set it to 8000");
  const wildcards: Readonly<Record<string, string>> = { auto: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1" };
  const address = wildcards[host] ?? host;
  if (address.includes(":") && isIP(address) !== 6)
    throw new OperatorError(`http.host is ${host}, which is not an address; give an address such as 127.0.0.1 or ::1`);
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** Fills in the `{{name}}` places of a template. A line that consists of a single place may become several lines, or none. */
export function fillTemplate(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/^\{\{(\w+)\}\}\n|\{\{(\w+)\}\}/gm, (place, line?: string, word?: string) => {
    const value = values[line ?? word ?? ""];
    if (value === undefined) throw new Error(`the template has ${place}, which the program does not know`);
    return line === undefined || value === "" ? value : `${value}\n`;
  });
}
