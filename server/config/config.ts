import { hostname } from "node:os";
import { parseStreamType } from "../domain/stream.ts";
import { isLoopback } from "../platform/fetch/addresses.ts";
import { existsSync } from "../platform/files/files.ts";
import { logLevels } from "../platform/log/log-format.ts";
import { alertKeys } from "./alert-keys.ts";
import { bucketName, keyPrefix } from "./bucket-values.ts";
import {
  allKeys,
  type ConfigKey,
  type ConfigProblem,
  isKey,
  type Keys,
  key,
  readConfigFile,
  readEnvironment,
  secret,
  type ValuesOf,
} from "./sources.ts";
import {
  addressRanges,
  basePath,
  chats,
  flag,
  host,
  integer,
  number,
  oneOf,
  optionalText,
  optionalUrl,
  orWord,
  parseGiven,
  passwordHash,
  shard,
  streamTypes,
  symbols,
  text,
  timeOfDay,
  url,
  urls,
  wholeUrl,
} from "./values.ts";

/** Each key of the config with its kind and default. ops/rt-data.example.toml documents sections and keys. */
const schema = {
  record: {
    symbols: key(symbols, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    streams: key(
      streamTypes,
      ["depth20@100ms", "aggTrade"].map((name) => parseStreamType(name)).filter((t) => t !== null),
    ),
    data_dir: key(text, "./data"),
    segment_minutes: key(integer(1, 1440), 5),
    flush_records: key(integer(1, 100_000), 100),
    flush_ms: key(integer(1, 60_000), 1000),
    sync: key(oneOf(["seal", "flush", "never"]), "seal"),
    shard: key(shard, { index: 1, of: 1 }),
  },
  exchange: {
    ws_url: key(url("wss", "ws"), "wss://stream.binance.com:9443"),
    ws_urls: key(urls("wss", "ws"), []),
    rest_url: key(url("https", "http"), "https://api.binance.com"),
  },
  feed: {
    connections: key(integer(1, 4), 1),
    rollover_hours: key(number(0.01, 23.5), 23),
    stale_ms: key(orWord("adaptive", integer(500, 600_000)), null),
  },
  latency: {
    threshold_ms: key(integer(1, 600_000), 1000),
    gate: key(oneOf(["mark", "drop"]), "mark"),
  },
  archive: {
    level: key(integer(1, 19), 19),
    retention_days: key(integer(0, 36_500), 0),
    retention_gb: key(integer(0, 10_000_000), 0),
    min_free_gb: key(integer(0, 10_000_000), 0),
  },
  upload: {
    endpoint: key(optionalUrl("https", "http"), ""),
    bucket: key(bucketName, ""),
    prefix: key(keyPrefix, ""),
    region: key(optionalText, ""),
    access_key: secret(),
    secret_key: secret(),
    bandwidth_mbps: key(integer(0, 100_000), 0),
    retention_days: key(integer(0, 36_500), 0),
    retention_shared: key(flag, false),
  },
  http: {
    host: key(host, "127.0.0.1"),
    port: key(integer(0, 65_535), 8000),
    base_path: key(basePath, "/"),
    public: key(flag, false),
    password_hash: secret(passwordHash),
    trusted_proxies: key(addressRanges, ["127.0.0.1", "::1"]),
    public_url: key(optionalUrl("https", "http"), ""),
  },
  telegram: {
    token: secret(),
    chats: key(chats, []),
    api_root: key(url("https", "http"), "https://api.telegram.org"),
    language: key(oneOf(["en", "ko"]), "en"),
    digest_time: key(orWord("off", timeOfDay), 9 * 60),
  },
  alerts: {
    webhook_url: secret(wholeUrl("https", "http")),
    heartbeat_url: secret(wholeUrl("https", "http")),
    heartbeat_seconds: key(integer(10, 86_400), 60),
    ...alertKeys,
  },
  log: {
    level: key(oneOf(logLevels), "info"),
    format: key(oneOf(["auto", "text", "json"]), "auto"),
  },
} as const;

type Schema = typeof schema;

/** Every setting of the program: validated, complete and frozen. */
export type Config = ValuesOf<Schema> & { readonly host: string; readonly file: string | null };

/** Settings from the command line, by `section.key`. They take precedence over environment and file. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Where the config file is searched if `--config` is not given. */
export const configPaths: readonly string[] = ["./rt-data.toml", "/etc/rt-data/rt-data.toml"];

/**
 * Reads file, environment and overrides into a Config, or returns all problems found.
 * Variables are `RT_DATA_<SECTION>_<KEY>`, in tables `RT_DATA_<SECTION>_<TABLE>_<KEY>`. No file at all is valid; a named file that cannot
 * be read is a problem.
 */
export function loadConfig(
  file: string | null,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; config: Config } | { ok: false; problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const path = file ?? configPaths.find((candidate) => existsSync(candidate)) ?? null;
  const values = new Map<string, Given>();
  for (const [name, raw] of readConfigFile(path, schema, problems))
    values.set(name, { raw, where: `${path}: ${name}` });
  for (const [name, raw, variable] of readEnvironment(environment, schema, problems))
    values.set(name, { raw, where: variable });
  for (const [name, raw] of Object.entries(overrides))
    values.set(name, { raw, where: `--${name.replace(/^.*\./, "").replaceAll("_", "-")}` });

  const valuesOf = (prefix: string, keys: Keys) => {
    const settings: Record<string, unknown> = {};
    for (const [name, entry] of Object.entries(keys)) {
      const fullName = `${prefix}.${name}`;
      settings[name] = isKey(entry)
        ? readValue(entry, values.get(fullName), fullName, problems)
        : valuesOf(fullName, entry);
    }
    return Object.freeze(settings);
  };
  const config = Object.fromEntries(Object.entries<Keys>(schema).map(([name, keys]) => [name, valuesOf(name, keys)]));
  if (problems.length === 0)
    problems.push(...missingForUpload(config as unknown as Config), ...unguardedAccess(config as unknown as Config));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: Object.freeze({ ...config, host: hostname(), file: path }) as unknown as Config };
}

/** Names of the secret settings, as `section.key`. */
export const secretKeys: readonly string[] = [...allKeys(schema)]
  .filter(([, { isSecret }]) => isSecret)
  .map(([name]) => name);
type Given = { readonly raw: unknown; readonly where: string };

/** Parses the value given for a key, or returns its default; undefined if the value is not accepted. */
function readValue(
  { kind, fallback, isSecret }: ConfigKey<unknown>,
  given: Given | undefined,
  name: string,
  problems: ConfigProblem[],
): unknown {
  const parsed = given === undefined ? { ok: true as const, value: fallback } : parseGiven(kind, given.raw);
  if (parsed.ok) return parsed.value;
  const shown = isSecret ? "this" : JSON.stringify(given?.raw);
  problems.push({ where: given?.where ?? name, problem: `${shown} is not accepted; give ${parsed.accepted}` });
  return undefined;
}

/** Returns every secret that is set, to mask it in output. */
export function secretsOf(config: Config): readonly string[] {
  const sections = config as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  return secretKeys
    .map((key) => key.split("."))
    .map(([section = "", name = ""]) => String(sections[section]?.[name] ?? ""))
    .filter((secret) => secret !== "");
}

/** Returns the names of the settings that differ between two configs, as `section.key`. */
export function changedKeys(a: Config, b: Config): readonly string[] {
  return [...allKeys(schema).keys()].filter((name) => {
    const [left, right] = [a, b].map((config) => name.split(".").reduce(memberOf, config));
    return JSON.stringify(left) !== JSON.stringify(right);
  });
}

function memberOf(table: unknown, name: string): unknown {
  return (table as Record<string, unknown>)[name];
}

/**
 * Reads only `record.data_dir`, for read-only commands: other settings may be invalid.
 * A file that cannot be read at all is a problem.
 */
export function loadDataDir(
  file: string | null,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; dataDir: string } | { ok: false; problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const path = file ?? configPaths.find((candidate) => existsSync(candidate)) ?? null;
  const values = [...readConfigFile(path, schema, problems), ...readEnvironment(environment, schema, problems)];
  const unreadable = problems.filter(({ where }) => where === path);
  if (unreadable.length > 0) return { ok: false, problems: unreadable };
  const { kind, fallback } = schema.record.data_dir;
  const parsed = parseGiven(kind, values.findLast(([name]) => name === "record.data_dir")?.[1] ?? fallback);
  if (parsed.ok) return { ok: true, dataDir: parsed.value };
  return { ok: false, problems: [{ where: "record.data_dir", problem: `give ${parsed.accepted}` }] };
}

/** Lists missing upload settings: all four are needed, or none. */
function missingForUpload({ upload }: Config): ConfigProblem[] {
  const needed = ["endpoint", "bucket", "access_key", "secret_key"] as const;
  if (needed.every((name) => upload[name] === "")) return [];
  return needed
    .filter((name) => upload[name] === "")
    .map((name) => ({
      where: `upload.${name}`,
      problem: `is missing; uploading needs ${needed.join(", ")} (leave all four empty for no upload)`,
    }));
}

/** Refuses an address that others can reach, unless there is a password or `http.public` is set. */
function unguardedAccess({ http }: Config): ConfigProblem[] {
  if (isLoopback(http.host) || http.password_hash !== "" || http.public) return [];
  const remedy =
    "set http.password_hash (`rt-data password` creates one), or http.public = true if everyone who can reach it may see the page";
  const problem = `"${http.host}" can be reached by other machines, and there is no password; ${remedy}`;
  return [{ where: "http.host", problem }];
}
