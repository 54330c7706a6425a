import { parse } from "smol-toml";
import { allKeys, isKey, type Keys } from "./config-key.ts";
import { readFileSync } from "./platform/files.ts";
import { codeOf, messageOf } from "./problem.ts";
import { didYouMean } from "./suggestion.ts";

/** What is wrong with one key. */
export type ConfigProblem = { readonly where: string; readonly problem: string };

/** The keys of each section; a secret may also come out of a file. */
export type Sections = Readonly<Record<string, Keys>>;

/** What the file gives, by `section.key` or `section.table.key`; what is wrong with it goes into `problems`. */
export function readFile(
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
  const found: [string, unknown][] = [];
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
  return found;

  function readTable(prefix: string, table: unknown, keys: Keys): void {
    if (typeof table !== "object" || table === null || Array.isArray(table)) {
      const problem = `must be a section: write [${prefix}] on a line of its own`;
      problems.push({ where: `${path}: ${prefix}`, problem });
      return;
    }
    for (const [name, raw] of Object.entries(table)) {
      const entry = Object.entries(keys).find(([known]) => known === name)?.[1];
      const whole = `${prefix}.${name}`;
      if (entry === undefined)
        problems.push({ where: `${path}: ${whole}`, problem: unknownKey(prefix, name, Object.keys(keys)) });
      else if (isKey(entry)) found.push([whole, raw]);
      else readTable(whole, raw, entry);
    }
  }
}

/** What the variables `RT_DATA_<SECTION>_<KEY>` give, and for secrets the files that `…_FILE` names. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  sections: Sections,
  problems: ConfigProblem[],
): [name: string, raw: string, variable: string][] {
  const known = new Map<string, string>();
  const inFiles = new Map<string, string>();
  for (const [name, { isSecret }] of allKeys(sections)) {
    const variable = `RT_DATA_${name.replaceAll(".", "_")}`.toUpperCase();
    known.set(variable, name);
    if (isSecret) inFiles.set(`${variable}_FILE`, name);
  }
  const found: [string, string, string][] = [];
  for (const [variable, raw] of Object.entries(environment)) {
    if (!variable.startsWith("RT_DATA_") || raw === undefined) continue;
    const name = known.get(variable);
    const nameInFile = inFiles.get(variable);
    if (name !== undefined) found.push([name, raw, variable]);
    else if (nameInFile !== undefined) {
      try {
        const text = readFileSync(raw, "utf8");
        // An empty file, as systemd hands it over where there is no such secret, says nothing.
        if (text.trim() !== "") found.push([nameInFile, text, variable]);
      } catch (error) {
        problems.push({ where: variable, problem: `${raw}: ${fileProblem(error)}` });
      }
    } else
      problems.push({
        where: variable,
        problem: `unknown variable${didYouMean(variable, [...known.keys(), ...inFiles.keys()])}`,
      });
  }
  return found;
}

function unknownKey(section: string, name: string, keys: readonly string[]): string {
  return `unknown key${didYouMean(name, keys)}; keys of [${section}]: ${keys.join(", ")}`;
}

function fileProblem(error: unknown): string {
  if (codeOf(error) === "ENOENT") return "there is no such file";
  return `cannot be read: ${messageOf(error).trim()}`;
}
