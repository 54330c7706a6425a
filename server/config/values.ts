import { isIP } from "node:net";
import { parseStreamType, parseSymbol, type StreamType, streamTypeNames } from "../domain/stream.ts";
import { acceptedShards, parseShard, type Shard, shardName } from "../domain/symbols/shard.ts";
import { accept, kindOf, type Parsed, refuse, type ValueKind } from "./value-kind.ts";

/** Any text except the empty text. */
export const text: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" && raw.trim() !== "" ? accept(raw.trim()) : refuse("a text that is not empty"),
);

/** Any text. Empty means not set. */
export const optionalText: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" ? accept(raw.trim()) : refuse("a text, possibly empty"),
);

/** The URL of a server, like `url`, or an empty text for none. */
export function optionalUrl(...schemes: readonly string[]): ValueKind<string> {
  const nonEmpty = url(...schemes);
  return kindOf((raw) => (typeof raw === "string" && raw.trim() === "" ? accept("") : nonEmpty.parse(raw)));
}

/** A part of the symbols: `2/5`. */
export const shard: ValueKind<Shard> = kindOf((raw) => {
  const value = typeof raw === "string" ? parseShard(raw) : null;
  return value === null ? refuse(acceptedShards) : accept(value);
}, shardName);

/** An integer from `min` to `max`. */
export function integer(min: number, max: number): ValueKind<number> {
  return kindOf((raw) => {
    const value = typeof raw === "string" && /^\s*-?\d+\s*$/.test(raw) ? Number(raw) : raw;
    return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
      ? accept(value)
      : refuse(`a whole number from ${min} to ${max}`);
  });
}

/** A number from `min` to `max`, with or without decimals. */
export function number(min: number, max: number): ValueKind<number> {
  return kindOf((raw) => {
    const value = typeof raw === "string" && /^\s*\d+(\.\d+)?\s*$/.test(raw) ? Number(raw) : raw;
    return typeof value === "number" && value >= min && value <= max
      ? accept(value)
      : refuse(`a number from ${min} to ${max}`);
  });
}

/** A value of `kind`, or a word that means null. */
export function orWord<T>(word: string, kind: ValueKind<T>): ValueKind<T | null> {
  return kindOf<T | null>(
    (raw) => {
      if (raw === word) return accept(null);
      const parsed = kind.parse(raw);
      return parsed.ok ? parsed : refuse(`"${word}", or ${parsed.accepted}`);
    },
    (value) => (value === null ? word : kind.print(value)),
  );
}

/** An address of Binance's streams. `/ws` and `/stream`, which Binance prints behind its hosts, are dropped: connections bring their path. */
export const streamUrl: ValueKind<string> = withoutPath(url("wss", "ws"), /\/(ws|stream)$/);

/** The address of Binance's REST. `/api` and `/api/v3` behind the host are dropped: requests bring their path. */
export const restUrl: ValueKind<string> = withoutPath(url("https", "http"), /\/api(\/v3)?$/);

function withoutPath(kind: ValueKind<string>, path: RegExp): ValueKind<string> {
  return kindOf((raw) => {
    const parsed = kind.parse(raw);
    return parsed.ok ? accept(parsed.value.replace(path, "").replace(/\/+$/, "")) : parsed;
  });
}

/** A list of addresses of Binance's streams; may be empty. */
export const streamUrls: ValueKind<readonly string[]> = listOfUrls(streamUrl, "wss");

function listOfUrls(single: ValueKind<string>, scheme: string): ValueKind<readonly string[]> {
  const accepted = `a list of URLs such as ["${scheme}://host:port"]`;
  return kindOf((raw) => {
    if (emptyList(raw)) return accept([]);
    const item = (text: string) => {
      const parsed = single.parse(text);
      // In the environment commas separate the items.
      return parsed.ok && !text.includes(",") ? parsed.value : null;
    };
    return list(raw, item, accepted);
  });
}

/** One of the listed words. */
export function oneOf<const W extends string>(words: readonly W[]): ValueKind<W> {
  return kindOf((raw) => {
    const word = words.find((candidate) => candidate === raw);
    return word === undefined ? refuse(words.map((w) => `"${w}"`).join(", ")) : accept(word);
  });
}

/** A URL with one of the schemes, without user, password, query or fragment. A trailing slash is dropped. */
export function url(...schemes: readonly string[]): ValueKind<string> {
  const accepted = `a URL such as ${schemes.map((scheme) => `${scheme}://host:port`).join(" or ")}`;
  return kindOf((raw) => {
    if (typeof raw !== "string" || !URL.canParse(raw)) return refuse(accepted);
    const parsed = new URL(raw);
    const plain = parsed.username === "" && parsed.password === "" && parsed.search === "" && parsed.hash === "";
    return schemes.includes(parsed.protocol.slice(0, -1)) && plain ? accept(raw.replace(/\/+$/, "")) : refuse(accepted);
  });
}

/** A URL with one of the schemes and any other parts, query included; or an empty text for none. */
export function wholeUrl(...schemes: readonly string[]): ValueKind<string> {
  const accepted = `a URL such as ${schemes.map((scheme) => `${scheme}://host/path`).join(" or ")}, or an empty text for no URL`;
  return kindOf((raw) => {
    const value = typeof raw === "string" ? raw.trim() : null;
    if (value === "") return accept("");
    return value !== null && URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1))
      ? accept(value)
      : refuse(accepted);
  });
}

/** Yes or no. */
export const flag: ValueKind<boolean> = kindOf((raw) => {
  if (raw === true || raw === "true") return accept(true);
  return raw === false || raw === "false" ? accept(false) : refuse("true or false");
});

/** The path under which a server is reached: `/` or `/rt-data`. No trailing slash, no character that needs quoting. */
export const basePath: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" && /^(\/[A-Za-z0-9._~-]+)*\/?$/.test(raw) && !/\/\.\.?(\/|$)/.test(raw)
    ? accept(raw.replace(/\/$/, "") || "/")
    : refuse('a path such as "/" or "/rt-data"'),
);

/** An argon2id hash as printed by `rt-data password`, or an empty text for none. Refuses hashes that need too much memory. */
export const passwordHash: ValueKind<string> = kindOf((raw) => {
  const text = typeof raw === "string" ? raw.trim() : null;
  if (text === "") return accept("");
  const parts = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[\w+/]{11,}\$[\w+/]{22,}$/.exec(text ?? "");
  if (parts === null)
    return refuse("the output of `rt-data password`, which begins with $argon2id$, not the password itself");
  const [, memoryKiB, passes] = parts.map(Number);
  if (memoryKiB === undefined || passes === undefined || memoryKiB < 8 || memoryKiB > 262_144 || passes > 20)
    return refuse(
      "an argon2id hash with m (KiB) of at most 262144 and t of at most 20; `rt-data password` creates one",
    );
  return accept(text ?? "");
});

/** IP addresses and ranges: `127.0.0.1`, `10.0.0.0/8`; may be empty, as text `none`: an empty variable means not set. */
export const addressRanges: ValueKind<readonly string[]> = kindOf(
  (raw) =>
    emptyList(raw) || raw === "none"
      ? accept([])
      : list(raw, parseRange, 'a list of addresses and ranges such as ["127.0.0.1", "10.0.0.0/8"]'),
  (ranges) => (ranges.length === 0 ? "none" : ranges.join(",")),
);

/** Headers that browsers or proxies send anyway: believing one of them would let everybody in. */
const usualHeaders =
  /^(accept|authorization|cache-control|connection|content|cookie|dnt|forwarded|from|host|if|origin|pragma|priority|range|referer|sec|te|upgrade|user-agent|via|x-forwarded|x-real-ip|x-request-id)(-|$)/i;

/** The name of a header in which a proxy names the user whom it has logged in, or an empty text for none. */
export const userHeader: ValueKind<string> = kindOf((raw) => {
  const value = typeof raw === "string" ? raw.trim() : null;
  const isForwardedUser = /^x-forwarded-(user|email|preferred-username)$/i.test(value ?? "");
  const isName = value !== null && /^[A-Za-z0-9-]{0,64}$/.test(value);
  return isName && (isForwardedUser || !usualHeaders.test(value))
    ? accept(value)
    : refuse('the name of a header that only the proxy sets, such as "Remote-User", or an empty text for none');
});

/** Ids of Telegram chats (ids of groups are negative); may be empty. */
export const chats: ValueKind<readonly number[]> = kindOf((raw) => {
  if (emptyList(raw)) return accept([]);
  const given = typeof raw === "number" ? [raw] : raw;
  const items = Array.isArray(given) ? given.map((item) => (typeof item === "number" ? String(item) : item)) : given;
  const parse = (text: string) => (/^-?[1-9]\d{0,15}$/.test(text) ? Number(text) : null);
  return list(items, parse, "a list of chat ids such as [123456789, -1001234567890]");
});

/** A list of symbols: a TOML list, or text with commas. */
export const symbols: ValueKind<readonly string[]> = kindOf((raw) =>
  list(raw, parseSymbol, 'a list of symbols as Binance spells them, such as ["BTCUSDT", "ETHUSDT"]'),
);

/** A list of stream types. Refuses two speeds of one stream, because they would share a folder. */
export const streamTypes: ValueKind<readonly StreamType[]> = kindOf(
  (raw) => {
    const parsed = list(raw, parseStreamType, `a list out of ${streamTypeNames.join(", ")}`);
    if (!parsed.ok) return parsed;
    const folders = new Set(parsed.value.map((type) => type.folder));
    return folders.size === parsed.value.length
      ? parsed
      : refuse("one speed of each stream, not both (they share a folder)");
  },
  (types) => types.map(({ name }) => name).join(","),
);

/** An IP address or host name to listen on. */
export const host: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" && /^[A-Za-z0-9.:_-]{1,253}$/.test(raw)
    ? accept(raw)
    : refuse("an address such as 127.0.0.1"),
);

function emptyList(raw: unknown): boolean {
  return raw === "" || (Array.isArray(raw) && raw.length === 0);
}

function parseRange(range: string): string | null {
  const [address = "", bits, ...rest] = range.split("/");
  const family = isIP(address);
  const isWidth = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  return family !== 0 && isWidth && rest.length === 0 ? range : null;
}

function list<T>(raw: unknown, item: (text: string) => T | null, accepted: string): Parsed<readonly T[]> {
  const parts = typeof raw === "string" ? raw.split(",") : raw;
  if (!Array.isArray(parts) || parts.length === 0) return refuse(accepted);
  const values: T[] = [];
  for (const part of parts) {
    const value = typeof part === "string" ? item(part.trim()) : null;
    if (value === null) return refuse(`${accepted} (${JSON.stringify(part)} is not valid)`);
    if (!values.includes(value)) values.push(value);
  }
  return accept(values);
}
