import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { codeOf, messageOf } from "./problem.ts";
import { didYouMean } from "./suggestion.ts";

/** What is wrong with one key. */
export type ConfigProblem = { readonly where: string; readonly problem: string };

/** The keys of each section; a secret may also come out of a file. */
export type Sections = Readonly<Record<string, Readonly<Record<string, { readonly isSecret?: boolean }>>>>;

/** What the file gives, by `section.key`; what is wrong with it goes into `problems`. */
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
    const keys = keysOf(sections, section);
    if (keys === null) {
      const names = Object.keys(sections);
      problems.push({
        where: `${path}: [${section}]`,
        problem: `unknown section${didYouMean(section, names)}; sections: ${names.join(", ")}`,
      });
    } else if (typeof table !== "object" || table === null || Array.isArray(table)) {
      problems.push({
        where: `${path}: ${section}`,
        problem: `must be a section: write [${section}] on a line of its own`,
      });
    } else {
      for (const [name, raw] of Object.entries(table)) {
        if (keys.includes(name)) found.push([`${section}.${name}`, raw]);
        else problems.push({ where: `${path}: ${section}.${name}`, problem: unknownKey(section, name, keys) });
      }
    }
  }
  return found;
}

/** What the variables `RT_DATA_<SECTION>_<KEY>` give, and for secrets the files that `…_FILE` names. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  sections: Sections,
  problems: ConfigProblem[],
): [name: string, raw: string, variable: string][] {
  const known = new Map<string, string>();
  const inFiles = new Map<string, string>();
  for (const [section, keys] of Object.entries(sections)) {
    for (const [name, { isSecret }] of Object.entries(keys)) {
      const variable = `RT_DATA_${section}_${name}`.toUpperCase();
      known.set(variable, `${section}.${name}`);
      if (isSecret) inFiles.set(`${variable}_FILE`, `${section}.${name}`);
    }
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

function keysOf(sections: Sections, section: string): string[] | null {
  const keys = Object.entries(sections).find(([name]) => name === section)?.[1];
  return keys === undefined ? null : Object.keys(keys);
}

function unknownKey(section: string, name: string, keys: readonly string[]): string {
  return `unknown key${didYouMean(name, keys)}; keys of [${section}]: ${keys.join(", ")}`;
}

function fileProblem(error: unknown): string {
  if (codeOf(error) === "ENOENT") return "there is no such file";
  return `cannot be read: ${messageOf(error).trim()}`;
}
