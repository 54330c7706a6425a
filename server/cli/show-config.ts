import { configPaths, kindOfSetting, loadSettings, type Setting, type Settings, secretKeys } from "../config/config.ts";
import type { ConfigProblem } from "../config/sources.ts";
import type { Command } from "./framework/command.ts";
import { settingFlags } from "./framework/config-flags.ts";
import { type Column, tableLines } from "./terminal/table.ts";

/** `rt-data config` */
export const showConfig: Command = {
  name: "config",
  summary: "print the settings in force, their sources, and every problem; secrets are hidden",
  flags: {
    ...Object.fromEntries(Object.entries(settingFlags).filter(([name]) => name === "config")),
    changed: { value: null, help: "only settings that are given somewhere, not defaults" },
    json: { value: null, help: "as JSON: {file, settings: [{key, value, source, where}], problems, warnings}" },
  },
  examples: [
    ["rt-data config --changed", "what differs from the defaults, and who says so"],
    ["rt-data config --config new.toml", "a file before it is used"],
  ],
  notes: [
    "The environment counts as this command sees it: run it as the recorder is run. Values have the form of environment variables.",
    "Exit codes: 0 the config is valid, 2 it is not; all problems are listed.",
  ],
  async run(flags, { print }) {
    const loaded = loadSettings(flags.config ?? null);
    const shown = loaded.settings.filter(({ source }) => flags.changed === undefined || source.kind !== "default");
    if (flags.json === undefined) for (const line of reportOf(loaded, shown)) print(line);
    else print(JSON.stringify(jsonOf(loaded, shown)));
    return loaded.config === null ? 2 : 0;
  },
};

const columns: readonly Column[] = ["setting", "value", "from"].map((heading) => ({
  ...{ heading, align: "left", dropped: 0 },
}));

function reportOf({ file, problems, warnings }: Settings, shown: readonly Setting[]): string[] {
  const rows = shown.map((setting) => [setting.name, textOf(setting), originOf(setting)]);
  return [
    `config file: ${file ?? `none (${configPaths.join(", ")})`}`,
    "",
    ...(rows.length === 0 ? ["every setting has its default"] : tableLines(columns, rows, Number.POSITIVE_INFINITY)),
    ...problemLines("ignored", warnings),
    ...problemLines(problems.length === 1 ? "1 problem" : `${problems.length} problems`, problems),
  ];
}

function problemLines(heading: string, problems: readonly ConfigProblem[]): string[] {
  const lines = problems.map(({ where, problem }) => `  ${where}: ${problem}`);
  return lines.length === 0 ? [] : ["", `${heading}:`, ...lines];
}

function textOf(setting: Setting): string {
  const value = shownValue(setting);
  return value === null ? "(not accepted)" : value === "" ? "-" : String(value);
}

/** Returns the value to show: numbers and switches as they are, the rest as text; null if it is not accepted. */
function shownValue({ name, value }: Setting): string | number | boolean | null {
  if (value === undefined) return null;
  if (secretKeys.includes(name)) return value === "" || (Array.isArray(value) && value.length === 0) ? "" : "(set)";
  const printed = kindOfSetting(name).print(value);
  return (typeof value === "number" || typeof value === "boolean") && String(value) === printed ? value : printed;
}

function originOf({ source: { kind, where } }: Setting): string {
  if (kind === "default" || kind === "file") return kind;
  return kind === "secret file" ? `the file that ${where} names` : where;
}

function jsonOf({ file, problems, warnings }: Settings, shown: readonly Setting[]) {
  const settings = shown.map((setting) => {
    const { kind, where } = setting.source;
    return { key: setting.name, value: shownValue(setting), source: kind, where };
  });
  return { file, settings, problems, warnings };
}
