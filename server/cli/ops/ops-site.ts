import { isIP } from "node:net";
import type { Config } from "../../config/config.ts";
import { OperatorError } from "../../platform/errors.ts";

/** How the page is reached, from outside and from the proxy in front. */
export type Site = {
  /** `data.example.org` */
  readonly serverName: string;
  /** With a port, where it is not 443. */
  readonly publicHost: string;
  /** Where RT-Data listens: `127.0.0.1:8000`. */
  readonly upstream: string;
  /** Path of the page with a slash at both ends: `/` or `/rt-data/`. */
  readonly location: string;
};

/** Reads it out of the config; throws an OperatorError for what a proxy could not do. */
export function siteOf({ http }: Config): Site {
  if (http.public_url === "") {
    throw new OperatorError(
      'http.public_url is not set, so the name of the site is not known: write it into the config, as public_url = "https://data.example.org"',
    );
  }
  const url = new URL(http.public_url);
  if (url.protocol !== "https:")
    throw new OperatorError(`http.public_url is ${http.public_url}; this is for https: give https://${url.host}`);
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
 * A name that DNS and a certificate can hold. An URL may hold more (`a;b`, `$x`, `{y}`), which would be words of their own in what is
 * printed for nginx, a shell or ddclient.
 */
function isDomain(name: string): boolean {
  const labels = name.split(".");
  const isLabel = (label: string) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label);
  return name.length <= 253 && labels.length > 1 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1) ?? "");
}

/** Where a proxy on this machine finds RT-Data. */
export function upstreamOf({ host, port }: Config["http"]): string {
  if (port === 0) throw new OperatorError("http.port is 0, any free one; a proxy needs one that stays: give 8000");
  const wildcards: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
  const address = wildcards[host] ?? host;
  if (address.includes(":") && isIP(address) !== 6)
    throw new OperatorError(`http.host is ${host}, which is no address; give one such as 127.0.0.1 or ::1`);
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** What a template says `{{name}}` for; a line that is nothing but one may become many, or none. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/^\{\{(\w+)\}\}\n|\{\{(\w+)\}\}/gm, (found, line?: string, word?: string) => {
    const value = values[line ?? word ?? ""];
    if (value === undefined) throw new Error(`the template knows of ${found}, the program does not`);
    return line === undefined || value === "" ? value : `${value}\n`;
  });
}
