import { didYouMean } from "../platform/did-you-mean.ts";
import { readFileSync } from "../platform/files/files.ts";
import { allKeys, type ConfigProblem, fileProblem, type Sections } from "./sources.ts";

/** A text given for a setting by a variable, or by the file that the variable names. */
export type GivenVariable = {
  readonly name: string;
  readonly raw: string;
  readonly variable: string;
  /** The path in a `…_FILE` variable, or null. */
  readonly file: string | null;
};

type Found = { readonly problems: ConfigProblem[]; readonly warnings: ConfigProblem[] };

/**
 * Reads the variables `RT_DATA_<SECTION>_<KEY>`, and for secrets the files named by `…_FILE`.
 * Empty variables and empty files mean not set. Other unknown variables are warnings, so that an older version starts under the settings
 * of a newer version.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  sections: Sections,
  { problems, warnings }: Found,
): readonly GivenVariable[] {
  const known = new Map<string, string>();
  const inFiles = new Map<string, string>();
  for (const [name, { isSecret }] of allKeys(sections)) {
    const variable = variableOf(name);
    known.set(variable, name);
    if (isSecret) inFiles.set(`${variable}_FILE`, name);
  }
  const given = new Map<string, GivenVariable>();
  for (const [variable, raw = ""] of Object.entries(environment)) {
    if (!variable.startsWith("RT_DATA_") || raw.trim() === "" || isInjected(variable, raw)) continue;
    const name = known.get(variable) ?? inFiles.get(variable);
    if (name === undefined) {
      warnings.push({ where: variable, problem: unknownVariable(variable, known, inFiles) });
      continue;
    }
    const file = known.has(variable) ? null : raw;
    const text = file === null ? raw : readSecret(variable, file, problems);
    // systemd passes an empty file for a secret that does not exist.
    if (text.trim() === "") continue;
    const before = given.get(name);
    if (before !== undefined && before.raw.trim() !== text.trim()) {
      const [plain, inFile] = file === null ? [variable, before.variable] : [before.variable, variable];
      problems.push({
        where: inFile,
        problem: `${plain} gives another value for the same setting; unset either variable`,
      });
    }
    given.set(name, { name, raw: text, variable, file });
  }
  return [...given.values()];
}

/** Returns the variable of a setting: `RT_DATA_HTTP_PORT` for `http.port`. */
export function variableOf(name: string): string {
  return `RT_DATA_${name.replaceAll(".", "_")}`.toUpperCase();
}

/**
 * Variables that Kubernetes sets for a service named `rt-data` or `rt-data-…`, and Docker for a link of that name.
 * Sources: kubernetes.io, "Service", environment variables; docs.docker.com, "Legacy container links".
 */
const injectedNames =
  /^RT_DATA_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** Tests whether a variable describes another container. `rt-data-http` gives `RT_DATA_HTTP_PORT=tcp://…`, the name of a setting. */
function isInjected(variable: string, raw: string): boolean {
  if (injectedNames.test(variable) || variable.startsWith("RT_DATA_ENV_")) return true;
  if (/_PORT$/.test(variable)) return /^(tcp|udp|sctp):\/\//.test(raw);
  return /^RT_DATA_(\w+_)?NAME$/.test(variable) && raw.startsWith("/");
}

function unknownVariable(
  variable: string,
  known: ReadonlyMap<string, string>,
  inFiles: ReadonlyMap<string, string>,
): string {
  const plain = variable.replace(/_FILE$/, "");
  if (plain !== variable && known.has(plain))
    return `ignored: only secrets are read from files; set ${plain}, or the setting in the config file`;
  const all = [...known.keys(), ...inFiles.keys()];
  const near = didYouMean(variable, all);
  // People leave out the section: RT_DATA_PORT.
  const [longer, ...more] = all.filter((name) => name.endsWith(variable.slice("RT_DATA".length)));
  const hint = near === "" && longer !== undefined && more.length === 0 ? ` (did you mean "${longer}"?)` : near;
  return `ignored: unknown variable${hint}`;
}

/** Reads the file of a secret; empty if it cannot be read, which is a problem. */
function readSecret(variable: string, path: string, problems: ConfigProblem[]): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    problems.push({ where: variable, problem: `${path}: ${fileProblem(error)}` });
    return "";
  }
}
