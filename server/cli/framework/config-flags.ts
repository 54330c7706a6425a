import { type Config, loadConfig, loadDataDir, type Overrides } from "../../config/config.ts";
import type { ConfigProblem } from "../../config/sources.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Flag, Flags } from "./command.ts";

/** Flags that override a setting, with the setting's key. */
const settings = {
  "data-dir": { key: "record.data_dir", value: "DIR", help: "data folder (default ./data)" },
  symbols: { key: "record.symbols", value: "A,B,…", help: "symbols to record (default BTCUSDT,ETHUSDT,SOLUSDT)" },
  streams: { key: "record.streams", value: "A,B,…", help: "streams of each symbol (default depth20@100ms,aggTrade)" },
  host: { key: "http.host", value: "ADDRESS", help: "address of the dashboard (default 127.0.0.1)" },
  port: { key: "http.port", value: "N", help: "port of the dashboard (default 8000)" },
  "log-level": { key: "log.level", value: "LEVEL", help: "debug, info, warn or error (default info)" },
} as const;

/** The flags of commands that record. */
export const settingFlags: Readonly<Record<string, Flag>> = {
  config: {
    value: "FILE",
    help: "config file (default ./rt-data.toml, else /etc/rt-data/rt-data.toml, else none)",
  },
  ...Object.fromEntries(Object.entries(settings).map(([name, { value, help }]) => [name, { value, help }])),
};

/** Loads the config from file, environment and flags. `forced` overrides the file and environment. @throws OperatorError */
export function configOf(flags: Flags, forced: Overrides = {}): Config {
  const loaded = loadConfig(flags.config ?? null, overridesOf(flags, forced));
  if (loaded.ok) return loaded.config;
  throw refusal(loaded.problems);
}

/** Returns the settings that flags give, by key. */
export function overridesOf(flags: Flags, forced: Overrides = {}): Overrides {
  const given = Object.entries(settings).filter(([name]) => flags[name] !== undefined);
  return { ...forced, ...Object.fromEntries(given.map(([name, { key }]) => [key, flags[name]])) };
}

/** Returns the data folder from flags, environment or file. Commands that only read do not need the rest of the config to be valid. */
export function dataDirOf(flags: Flags): string {
  if (flags["data-dir"] !== undefined) return flags["data-dir"];
  const loaded = loadDataDir(flags.config ?? null);
  if (loaded.ok) return loaded.dataDir;
  throw refusal(loaded.problems);
}

function refusal(problems: readonly ConfigProblem[]): OperatorError {
  const lines = problems.map(({ where, problem }) => `  ${where}: ${problem}`);
  const count = lines.length === 1 ? "1 problem" : `${lines.length} problems`;
  return new OperatorError([`the configuration has ${count}:`, ...lines].join("\n"));
}
