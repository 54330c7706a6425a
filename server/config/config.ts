import { hostname } from "node:os";
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
  readEnvironment,
  type ValuesOf,
  variableOf,
} from "./sources.ts";
import { parseGiven } from "./value-kind.ts";

/** Every setting of the program: validated, complete and frozen. */
export type Config = ValuesOf<typeof schema> & { readonly host: string; readonly file: string | null };

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
  return secretKeys.map((name) => String(valueIn(config, name) ?? "")).filter((secret) => secret !== "");
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
  return [...allKeys(schema)].map(([name, { kind }]) => [name, kind.print(valueIn(config, name))] as const);
}

function valueIn(config: Config, name: string): unknown {
  return name.split(".").reduce<unknown>((table, part) => (table as Record<string, unknown>)[part], config);
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
