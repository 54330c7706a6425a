import { parse } from "smol-toml";
import { didYouMean } from "../platform/did-you-mean.ts";
import { codeOf } from "../platform/errors.ts";
import { readFileSync } from "../platform/files/files.ts";
import { reasonOf } from "../platform/system-errors.ts";
import type { ValueKind } from "./value-kind.ts";
import { optionalText } from "./values.ts";

/** A problem with a setting, and where it was given. */
export type ConfigProblem = { readonly where: string; readonly problem: string };

/** The keys of each section. */
export type Sections = Readonly<Record<string, Keys>>;

/** Reads the config file: values by `section.key` or `section.table.key`. Appends its problems to `problems`. */
export function readConfigFile(
  path: string | null,
  sections: Sections,
  problems: ConfigProblem[],
): [name: string, raw: unknown][] {
  if (path === null) return [];
  let tables: Record<string, unknown>;
  try {
    tables = parse(readFileSync(path, "utf8"));
  } catch (error) {
    problems.push({ where: path, problem: fileProblem(error) });
    return [];
  }
  const values: [string, unknown][] = [];
  for (const [section, table] of Object.entries(tables)) {
    const keys = Object.entries(sections).find(([name]) => name === section)?.[1];
    if (keys === undefined) {
      const names = Object.keys(sections);
      problems.push({
        where: `${path}: [${section}]`,
        problem: `unknown section${didYouMean(section, names)}; sections: ${names.join(", ")}`,
      });
    } else readTable(section, table, keys);
  }
  return values;

  function readTable(prefix: string, table: unknown, keys: Keys): void {
    if (typeof table !== "object" || table === null || Array.isArray(table)) {
      const problem = `must be a section: write [${prefix}] on its own line`;
      problems.push({ where: `${path}: ${prefix}`, problem });
      return;
    }
    for (const [name, raw] of Object.entries(table)) {
      const entry = Object.entries(keys).find(([known]) => known === name)?.[1];
      const fullName = `${prefix}.${name}`;
      if (entry === undefined)
        problems.push({ where: `${path}: ${fullName}`, problem: unknownKey(prefix, name, Object.keys(keys)) });
      else if (isKey(entry)) values.push([fullName, raw]);
      else readTable(fullName, raw, entry);
    }
  }
}

function unknownKey(section: string, name: string, keys: readonly string[]): string {
  return `unknown key${didYouMean(name, keys)}; keys of [${section}]: ${keys.join(", ")}`;
}

/** Describes why a file could not be read. */
export function fileProblem(error: unknown): string {
  if (codeOf(error) === "ENOENT") return "the file does not exist";
  return `cannot be read: ${reasonOf(error).trim()}`;
}

/** One key of the config: its kind and its default. A secret is never shown and may come from a file. */
export type ConfigKey<T> = { readonly kind: ValueKind<T>; readonly fallback: T; readonly isSecret?: boolean };

/** Keys by name, and tables of keys within a section. */
export type Keys = { readonly [name: string]: ConfigKey<unknown> | { readonly [name: string]: ConfigKey<unknown> } };

/** The parsed values of these keys. */
export type ValuesOf<K> = {
  readonly [N in keyof K]: K[N] extends ConfigKey<infer T> ? T : ValuesOf<K[N]>;
};

/** Creates a key with its default. */
export function key<T>(kind: ValueKind<T>, fallback: NoInfer<T>): ConfigKey<T> {
  return { kind, fallback };
}

/** Creates a key for a secret text, which a file may hold: `RT_DATA_<SECTION>_<KEY>_FILE`. Empty means not set. */
export function secret(kind: ValueKind<string> = optionalText): ConfigKey<string> {
  return { kind, fallback: "", isSecret: true };
}

/** Distinguishes a key from a table of keys. */
export function isKey(entry: Keys[string]): entry is ConfigKey<unknown> {
  return "fallback" in entry;
}

/** Returns every key of these sections by its full name: `http.port`, `alerts.delay.hold_s`. */
export function allKeys(sections: Readonly<Record<string, Keys>>): ReadonlyMap<string, ConfigKey<unknown>> {
  const result = new Map<string, ConfigKey<unknown>>();
  for (const [section, keys] of Object.entries(sections)) {
    for (const [name, entry] of Object.entries(keys)) {
      if (isKey(entry)) result.set(`${section}.${name}`, entry);
      else for (const [inner, innerKey] of Object.entries(entry)) result.set(`${section}.${name}.${inner}`, innerKey);
    }
  }
  return result;
}
