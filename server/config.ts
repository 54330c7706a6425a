import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { type ConfigProblem, readEnvironment, readFile } from "./config-source.ts";
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
  passwordHash,
  shard,
  streamTypes,
  symbols,
  text,
  timeOfDay,
  url,
  urls,
  type ValueKind,
  wholeUrl,
} from "./config-value.ts";
import { logLevels } from "./log-line.ts";
import { isLoopback } from "./loopback.ts";
import { parseStreamType } from "./stream.ts";

/** Each key of the config: how it is read and its default. Sections and keys are documented in ops/rt-data.example.toml. */
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
    bucket: key(optionalText, ""),
    prefix: key(optionalText, ""),
    region: key(optionalText, ""),
    access_key: secret(),
    secret_key: secret(),
    bandwidth_mbps: key(integer(0, 100_000), 0),
    retention_days: key(integer(0, 36_500), 0),
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
  },
  log: {
    level: key(oneOf(logLevels), "info"),
    format: key(oneOf(["auto", "text", "json"]), "auto"),
  },
} as const;

type Schema = typeof schema;

/** Every setting of the program, checked, complete and frozen. */
export type Config = {
  readonly [S in keyof Schema]: {
    readonly [K in keyof Schema[S]]: Schema[S][K] extends Key<infer T> ? T : never;
  };
} & { readonly host: string; readonly file: string | null };

/** Settings given on the command line, by `section.key`; they win over environment and file. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Where the config is looked for when `--config` is not given. */
export const configPaths: readonly string[] = ["./rt-data.toml", "/etc/rt-data/rt-data.toml"];

/**
 * Reads file, environment (`RT_DATA_<SECTION>_<KEY>`) and overrides into a Config, or returns every problem found at once.
 * No file at all is a valid config; a file that was named but cannot be read is a problem.
 */
export function loadConfig(
  file: string | null,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; config: Config } | { ok: false; problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const path = file ?? configPaths.find((candidate) => existsSync(candidate)) ?? null;
  const values = new Map<string, { raw: unknown; where: string }>();
  for (const [name, raw] of readFile(path, schema, problems)) values.set(name, { raw, where: `${path}: ${name}` });
  for (const [name, raw, variable] of readEnvironment(environment, schema, problems))
    values.set(name, { raw, where: variable });
  for (const [name, raw] of Object.entries(overrides))
    values.set(name, { raw, where: `--${name.replace(/^.*\./, "").replaceAll("_", "-")}` });

  const config: Record<string, Record<string, unknown>> = {};
  for (const [section, keys] of Object.entries<Record<string, Key<unknown>>>(schema)) {
    const settings: Record<string, unknown> = {};
    for (const [name, { kind, fallback, isSecret }] of Object.entries(keys)) {
      const given = values.get(`${section}.${name}`);
      const parsed = given === undefined ? { ok: true as const, value: fallback } : kind(given.raw);
      if (parsed.ok) settings[name] = parsed.value;
      else
        problems.push({
          where: given?.where ?? name,
          problem: `${isSecret ? "this" : JSON.stringify(given?.raw)} is not accepted; give ${parsed.accepted}`,
        });
    }
    config[section] = Object.freeze(settings);
  }
  if (problems.length === 0)
    problems.push(...missingForUpload(config as unknown as Config), ...openToAll(config as unknown as Config));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: Object.freeze({ ...config, host: hostname(), file: path }) as unknown as Config };
}

/** Names of the secret settings, as `section.key`. */
export const secretKeys: readonly string[] = Object.entries(schema).flatMap(([section, keys]) =>
  Object.entries<Key<unknown>>(keys)
    .filter(([, { isSecret }]) => isSecret)
    .map(([name]) => `${section}.${name}`),
);

/** Names of the settings in which two configs differ, as `section.key`. */
export function changedKeys(a: Config, b: Config): readonly string[] {
  return Object.entries(schema).flatMap(([section, keys]) => {
    const [left, right] = [a, b].map((config) => config[section as keyof Schema] as Record<string, unknown>);
    return Object.keys(keys)
      .filter((name) => JSON.stringify(left?.[name]) !== JSON.stringify(right?.[name]))
      .map((name) => `${section}.${name}`);
  });
}

/**
 * `record.data_dir` alone, for those who only read: whatever else file and environment set may be wrong. A file that cannot be
 * read at all is a problem.
 */
export function loadDataDir(
  file: string | null,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; dataDir: string } | { ok: false; problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const path = file ?? configPaths.find((candidate) => existsSync(candidate)) ?? null;
  const values = [...readFile(path, schema, problems), ...readEnvironment(environment, schema, problems)];
  const unreadable = problems.filter(({ where }) => where === path);
  if (unreadable.length > 0) return { ok: false, problems: unreadable };
  const { kind, fallback } = schema.record.data_dir;
  const parsed = kind(values.findLast(([name]) => name === "record.data_dir")?.[1] ?? fallback);
  if (parsed.ok) return { ok: true, dataDir: parsed.value };
  return { ok: false, problems: [{ where: "record.data_dir", problem: `give ${parsed.accepted}` }] };
}

/** Where archives are to be uploaded, all of it has to be said. */
function missingForUpload({ upload }: Config): ConfigProblem[] {
  const needed = ["endpoint", "bucket", "access_key", "secret_key"] as const;
  if (needed.every((name) => upload[name] === "")) return [];
  return needed
    .filter((name) => upload[name] === "")
    .map((name) => ({
      where: `upload.${name}`,
      problem: `is missing; uploading needs ${needed.join(", ")} (all four empty: no upload)`,
    }));
}

/** Whoever can reach the machine could look; that has to be said, or guarded. */
function openToAll({ http }: Config): ConfigProblem[] {
  if (isLoopback(http.host) || http.password_hash !== "" || http.public) return [];
  const remedy =
    "set http.password_hash (`rt-data password` makes one), or http.public = true if all who reach it may look";
  const problem = `"${http.host}" can be reached by other machines, and there is no password; ${remedy}`;
  return [{ where: "http.host", problem }];
}

type Key<T> = { readonly kind: ValueKind<T>; readonly fallback: T; readonly isSecret?: boolean };

function key<T>(kind: ValueKind<T>, fallback: NoInfer<T>): Key<T> {
  return { kind, fallback };
}

/** A text that is never shown, and that a file may hold: `RT_DATA_<SECTION>_<KEY>_FILE`. Empty means not set. */
function secret(kind: ValueKind<string> = optionalText): Key<string> {
  return { kind, fallback: "", isSecret: true };
}
