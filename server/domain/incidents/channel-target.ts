/** Services that take alerts beside Telegram. */
export const channelServices = ["ntfy", "discord", "slack", "gotify", "apprise"] as const;

export type ChannelService = (typeof channelServices)[number];

/** A channel: the service, and the address of its server. Path, user and password are secrets. */
export type ChannelTarget = {
  readonly service: ChannelService;
  /** Address without the last part of the path: `https://ntfy.sh`. */
  readonly root: string;
  /** Last part of the path: topic, token or key. */
  readonly last: string;
  readonly user: string;
  readonly password: string;
};

/**
 * Parses the address of a channel: the address that the service gives, with the service's name in place of `https`. `?tls=off` means `http`.
 * Null if it is not such an address.
 */
export function parseChannel(text: string): ChannelTarget | null {
  const [, service, rest = ""] = /^(ntfy|discord|slack|gotify|apprise):\/\/(\S+)$/.exec(text) ?? [];
  if (service === undefined || !URL.canParse(`https://${rest}`)) return null;
  const { host, pathname, search, hash, username, password } = new URL(`https://${rest}`);
  const isPlain = search === "?tls=off";
  const [, parents = "", last = ""] = /^((?:\/[^/]+)*)\/([^/]+)\/?$/.exec(pathname) ?? [];
  if (last === "" || hash !== "" || (search !== "" && !isPlain)) return null;
  if (service === "discord" && !/\/webhooks\/\d+$/.test(parents)) return null;
  if (service !== "ntfy" && username !== "") return null;
  const root = `${isPlain ? "http" : "https"}://${host}${parents}`;
  const [user, secret] = [decodeURIComponent(username), decodeURIComponent(password)];
  return { service: service as ChannelService, root, last: decodeURIComponent(last), user, password: secret };
}

/** Returns the name of a channel without its secrets: `ntfy ntfy.sh`. */
export function channelName({ service, root }: ChannelTarget): string {
  return `${service} ${new URL(root).host}`;
}

/** Returns the parts of an address that must not be shown, as they may appear in texts. */
export function channelSecrets(url: string): readonly string[] {
  const target = parseChannel(url);
  if (target === null) return [url];
  const { root, last, user, password } = target;
  const { pathname } = new URL(root);
  return [url, `${root}/${last}`, `${pathname}/${last}`, last, password, user]
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .filter((secret) => secret.length > 3);
}
