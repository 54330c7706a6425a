import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import type { ValueKind } from "../../config/value-kind.ts";
import { didYouMean } from "../../platform/did-you-mean.ts";
import { messageOf, OperatorError } from "../../platform/errors.ts";
import { type Fault, type FaultKind, faultKinds, isInstant, scopeKeys, scopeOf } from "./fault.ts";
import { durationMs } from "./script-values.ts";

/** A fault with its time: it begins `at_ms` after the exchange and lasts `for_ms`. */
export type ScriptedFault = { readonly at_ms: number; readonly for_ms: number; readonly fault: Fault };

/** A mistake in a scenario file, with its line; line 0 stands for the whole file. */
export type ScriptProblem = { readonly line: number; readonly problem: string };

/**
 * Reads a scenario: TOML with a list of `[[fault]]`. A fault has `at_ms`, `kind`, `for_ms` (optional for kinds that act at
 * once), a scope, and the parameters of its kind. Returns all mistakes together.
 */
export function parseFaultScript(
  text: string,
): { ok: true; script: readonly ScriptedFault[] } | { ok: false; problems: readonly ScriptProblem[] } {
  let tables: Record<string, unknown>;
  try {
    tables = parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : 0;
    return { ok: false, problems: [{ line, problem: `is not TOML: ${messageOf(error).split("\n")[0]}` }] };
  }
  const problems: ScriptProblem[] = [];
  const lines = createLines(text);
  for (const name of Object.keys(tables)) {
    if (name === "fault") continue;
    const problem = `unknown key "${name}"${didYouMean(name, ["fault"])}; a scenario is a list of [[fault]]`;
    problems.push({ line: lines.ofTop(name), problem });
  }
  const list = tables.fault;
  if (!Array.isArray(list)) {
    const problem = "there is no fault: begin each with [[fault]] on a line of its own";
    return { ok: false, problems: [...problems, { line: list === undefined ? 0 : lines.ofTop("fault"), problem }] };
  }
  const script = list.map((entry: Record<string, unknown>, index) =>
    readFault(entry, (name, problem) => problems.push({ line: lines.ofKey(index, name), problem })),
  );
  if (problems.length > 0) return { ok: false, problems: problems.toSorted((a, b) => a.line - b.line) };
  return { ok: true, script: script.filter((fault) => fault !== null).toSorted((a, b) => a.at_ms - b.at_ms) };
}

/** The scenario of a file. Throws an OperatorError with everything that is wrong with it. */
export function readFaultScript(path: string): readonly ScriptedFault[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new OperatorError(`cannot read the faults of ${path}: ${messageOf(error)}`, { cause: error });
  }
  const parsed = parseFaultScript(text);
  if (parsed.ok) return parsed.script;
  const problems = parsed.problems.map(({ line, problem }) => `  ${path}${line > 0 ? `:${line}` : ""}: ${problem}`);
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  throw new OperatorError([`the faults have ${count}:`, ...problems].join("\n"));
}

const kinds = Object.keys(faultKinds) as FaultKind[];

function readFault(
  entry: Record<string, unknown>,
  refuse: (key: string | null, problem: string) => void,
): ScriptedFault | null {
  const { kind } = entry;
  const known = kinds.find((name) => name === kind);
  const accepted: Record<string, ValueKind<unknown>> = { at_ms: durationMs, for_ms: durationMs };
  for (const name of known === undefined ? [] : scopeOf(known)) accepted[name] = scopeKeys[name].kind;
  const own: Readonly<Record<string, { kind: ValueKind<unknown> }>> = known === undefined ? {} : faultKinds[known].keys;
  for (const [name, { kind: value }] of Object.entries(own)) accepted[name] = value;
  if (known === undefined) {
    const given = kind === undefined ? "kind is missing" : `unknown kind ${JSON.stringify(kind)}`;
    const hint = typeof kind === "string" ? didYouMean(kind, kinds) : "";
    refuse(kind === undefined ? null : "kind", `${given}${hint}; kinds: ${kinds.join(", ")}`);
  }
  const values: Record<string, unknown> = {};
  for (const [name, raw] of Object.entries(entry)) {
    const value = accepted[name];
    const parsed = value?.parse(raw);
    if (parsed?.ok) values[name] = parsed.value;
    else if (parsed !== undefined) {
      refuse(name, `${name} = ${JSON.stringify(raw)} is not accepted; give ${parsed.accepted}`);
    } else if (name !== "kind" && known !== undefined) {
      const names = ["kind", ...Object.keys(accepted)];
      refuse(name, `"${known}" has no ${name}${didYouMean(name, names)}; it has ${names.join(", ")}`);
    }
  }
  if (entry.at_ms === undefined) refuse(null, "at_ms is missing: when the fault begins, in ms after the start");
  if (known === undefined) return null;
  if (entry.for_ms === undefined && !isInstant(known))
    refuse(null, `for_ms is missing: how long "${known}" lasts, in ms`);
  if (known === "symbol-status" && entry.symbol === undefined) refuse(null, "symbol is missing: whose status it is");
  const { at_ms, for_ms = 0, ...parameters } = values;
  return { at_ms: Number(at_ms), for_ms: Number(for_ms), fault: { kind: known, ...parameters } as Fault };
}

/** Finds the lines of keys in the text; the parser reports only the line of a syntax error. */
function createLines(text: string) {
  const lines = text.split("\n");
  const headers = lines.flatMap((line, index) => (/^\s*\[\[\s*fault\s*\]\]/.test(line) ? [index] : []));
  const find = (name: string, from: number, to: number) => {
    const start = new RegExp(`^\\s*(\\[+\\s*)?"?${RegExp.escape(name)}"?\\s*[=.\\]]`);
    return lines.findIndex((line, index) => index >= from && index < to && start.test(line));
  };
  return {
    ofTop: (name: string) => find(name, 0, lines.length) + 1,
    /** Line of a key of the n-th fault, or of its header. */
    ofKey(fault: number, name: string | null): number {
      const header = headers[fault];
      if (header === undefined) return 0;
      const at = name === null ? -1 : find(name, header + 1, headers[fault + 1] ?? lines.length);
      return (at < 0 ? header : at) + 1;
    },
  };
}
