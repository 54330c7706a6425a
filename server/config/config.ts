import { hostname } from "node:os";
import { channelSecrets } from "../domain/incidents/channel-target.ts";
import { isLoopback } from "../platform/fetch/addresses.ts";
import { existsSync } from "../platform/files/files.ts";
import { schema } from "./schema.ts";
import {
  allKeys,
  type ConfigKey,
  type ConfigProblem,
  isKey,
  type Keys,
  readConfigFile,
  type ValuesOf,
} from "./sources.ts";
import { parseGiven, type ValueKind } from "./value-kind.ts";
import { readEnvironment, variableOf } from "./variables.ts";

/** Every setting of the program: validated, complete and frozen. */
export type Config = ValuesOf<typeof schema> & {
  readonly host: string;
  readonly file: string | null;
  /** Variables that are ignored, and why. */
  readonly warnings: readonly ConfigProblem[];
};

/** Settings from the command line, by `section.key`. They take precedence over environment and file. */
export type Overrides = Readonly<Record<string, unknown>>;

/** Where the config file is searched if `--config` is not given. */
export const configPaths: readonly string[] = ["./rt-data.toml", "/etc/rt-data/rt-data.toml"];

/** The place that gave a setting. `where` names it: `rt-data.toml: http.port`, `RT_DATA_HTTP_PORT`, `--port`; empty for a default. */
export type Source = {
  readonly kind: "default" | "file" | "environment" | "secret file" | "flag";
  readonly where: string;
};

/** A setting. `value` is undefined if the given value is not accepted. */
export type Setting = { readonly name: string; readonly value: unknown; readonly source: Source };

/** What file, environment and flags give, mistakes included. */
export type Settings = {
  readonly file: string | null;
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
  /** The config, or null if there are problems. */
  readonly config: Config | null;
};

/**
 * Reads file, environment and overrides. Variables are `RT_DATA_<SECTION>_<KEY>`, in tables `RT_DATA_<SECTION>_<TABLE>_<KEY>`.
 * No file at all is valid; a named file that cannot be read is a problem.
 */
export function loadSettings(
  file: string | null,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigProblem[] = [];
  const path = file ?? configPaths.find((candidate) => existsSync(candidate)) ?? null;
  const given = new Map<string, Given>();
  for (const [name, raw] of readConfigFile(path, schema, problems))
    given.set(name, { raw, source: { kind: "file", where: `${path}: ${name}` } });
  for (const { name, raw, variable, file } of readEnvironment(environment, schema, { problems, warnings }))
    given.set(name, { raw, source: { kind: file === null ? "environment" : "secret file", where: variable } });
  for (const [name, raw] of Object.entries(overrides)) {
    const flag = `--${name.replace(/^.*\./, "").replaceAll("_", "-")}`;
    given.set(name, { raw, source: { kind: "flag", where: flag } });
  }
  const settings = [...keys].map(([name, key]) => readSetting(name, key, given.get(name), problems));
  if (problems.length > 0) return { file: path, settings, problems, warnings, config: null };
  const values = new Map(settings.map(({ name, value }) => [name, value]));
  const tables = nested("", schema, values) as ValuesOf<typeof schema>;
  const config: Config = Object.freeze({ ...tables, host: hostname(), file: path, warnings });
  problems.push(...missingForUpload(config), ...unguardedAccess(config));
  return { file: path, settings, problems, warnings, config: problems.length > 0 ? null : config };
}

/** Reads the Config, or returns all problems found. */
export function loadConfig(
  file: string | null,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; config: Config } | { ok: false; problems: readonly ConfigProblem[] } {
  const { config, problems } = loadSettings(file, overrides, environment);
  return config === null ? { ok: false, problems } : { ok: true, config };
}

type Given = { readonly raw: unknown; readonly source: Source };

/** Parses the value given for a key, or takes its default. */
function readSetting(
  name: string,
  { kind, fallback, isSecret }: ConfigKey<unknown>,
  given: Given | undefined,
  problems: ConfigProblem[],
): Setting {
  if (given === undefined) return { name, value: fallback, source: { kind: "default", where: "" } };
  const { raw, source } = given;
  const parsed = parseGiven(kind, raw);
  if (parsed.ok) return { name, value: parsed.value, source };
  const shown = isSecret ? "this" : JSON.stringify(raw);
  problems.push({ where: source.where, problem: `${shown} is not accepted; give ${parsed.accepted}` });
  return { name, value: undefined, source };
}

/** Returns the values as frozen tables, in the form of the schema. */
function nested(prefix: string, keys: object, values: ReadonlyMap<string, unknown>): object {
  const entries = Object.entries(keys as Keys).map(([key, entry]) => {
    const name = prefix === "" ? key : `${prefix}.${key}`;
    return [key, isKey(entry) ? values.get(name) : nested(name, entry, values)] as const;
  });
  return Object.freeze(Object.fromEntries(entries));
}

const keys = allKeys(schema);

/** Returns the kind of value of a setting. */
export function kindOfSetting(name: string): ValueKind<unknown> {
  const key = keys.get(name);
  if (key === undefined) throw new Error(`there is no setting ${name}`);
  return key.kind;
}

/** Names of the secret settings, as `section.key`. */
export const secretKeys: readonly string[] = [...keys].filter(([, { isSecret }]) => isSecret).map(([name]) => name);

/** Returns every secret that is set, to mask it in output. */
export function secretsOf(config: Config): readonly string[] {
  const texts = secretKeys.map((name) => valueIn(config, name)).filter((value) => typeof value === "string");
  return [...texts, ...config.alerts.channel.flatMap(({ url }) => channelSecrets(url))].filter((text) => text !== "");
}

/** Returns the names of the settings that differ between two configs, as `section.key`. */
export function changedKeys(a: Config, b: Config): readonly string[] {
  const [before, after] = [new Map(printed(a)), new Map(printed(b))];
  return [...before.keys()].filter((name) => before.get(name) !== after.get(name));
}

/** Prints every non-secret setting as for the environment: `["RT_DATA_RECORD_SYMBOLS", "BTCUSDT,ETHUSDT"]`. */
export function environmentOf(config: Config): readonly (readonly [variable: string, text: string])[] {
  return printed(config)
    .filter(([name]) => !secretKeys.includes(name))
    .map(([name, text]) => [variableOf(name), text] as const);
}

/** Prints every setting as its kind does, secrets included. */
function printed(config: Config): readonly (readonly [name: string, text: string])[] {
  return [...keys].map(([name, { kind }]) => [name, kind.print(valueIn(config, name))] as const);
}

function valueIn(config: Config, name: string): unknown {
  return name.split(".").reduce<unknown>((table, part) => (table as Record<string, unknown>)[part], config);
}

/**
 * Reads only these settings; all others may be invalid. A file that cannot be read at all is a problem.
 * Returns the values in the order of `names`.
 */
export function loadSome(
  names: readonly string[],
  file: string | null,
  overrides: Overrides = {},
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; values: readonly unknown[] } | { ok: false; problems: readonly ConfigProblem[] } {
  const { settings, problems, file: path } = loadSettings(file, overrides, environment);
  const wanted = names.flatMap((name) => settings.filter((setting) => setting.name === name));
  const refused = wanted.filter(({ value }) => value === undefined).map(({ source }) => source.where);
  const unusable = problems.filter(({ where }) => where === path || refused.includes(where));
  return unusable.length > 0
    ? { ok: false, problems: unusable }
    : { ok: true, values: wanted.map(({ value }) => value) };
}

/** Reads only `record.data_dir`, for commands that only read. */
export function loadDataDir(
  file: string | null,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { ok: true; dataDir: string } | { ok: false; problems: readonly ConfigProblem[] } {
  const loaded = loadSome(["record.data_dir"], file, {}, environment);
  return loaded.ok ? { ok: true, dataDir: String(loaded.values[0]) } : loaded;
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

/** Returns the address to listen on. `auto` means all addresses if others may see the page, else this machine alone. */
export function listenHost({ host, password_hash, trusted_user_header, public: isPublic }: Config["http"]): string {
  if (host !== "auto") return host;
  return password_hash !== "" || trusted_user_header !== "" || isPublic ? "0.0.0.0" : "127.0.0.1";
}

/** Refuses an address that others can reach, unless there is a password or `http.public` is set. */
function unguardedAccess({ http }: Config): ConfigProblem[] {
  if (isLoopback(listenHost(http)) || http.password_hash !== "" || http.trusted_user_header !== "" || http.public)
    return [];
  const remedy =
    "set http.password_hash (`rt-data password` creates one), or http.public = true if everyone who can reach it may see the page";
  const problem = `"${http.host}" can be reached by other machines, and there is no password; ${remedy}`;
  return [{ where: "http.host", problem }];
}
