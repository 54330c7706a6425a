import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type LogLevel, logLevels } from "../../platform/log/log-format.ts";
import { acceptedSpeeds, parseSpeed } from "../../simulator/control/replay-control.ts";
import { createFaultPlayer } from "../../simulator/faults/fault-player.ts";
import { readFaultScript } from "../../simulator/faults/fault-script.ts";
import { createFaults, type Faults } from "../../simulator/faults/faults.ts";
import { readSelection } from "../data/selection.ts";
import type { Flag, Flags } from "../framework/command.ts";

/** What `rt-data replay` was asked to do. */
export type ReplaySettings = {
  readonly data: string | null;
  readonly range: { readonly fromUs: number | null; readonly toUs: number | null };
  readonly symbols: readonly string[] | null;
  readonly streams: readonly string[] | null;
  readonly speed: number | "max";
  readonly host: string;
  readonly port: number;
  readonly loop: boolean;
  readonly time: "original" | "shifted";
  readonly gaps: boolean;
  readonly keepPauses: boolean;
  readonly faults: string | null;
  readonly seed: number;
  readonly patient: boolean;
  readonly names: readonly string[];
  readonly logLevel: LogLevel;
};

/** Flags of `rt-data replay`. */
export const replayFlags: Readonly<Record<string, Flag>> = {
  data: {
    value: "PATH",
    help: 'a data folder, or a file or folder of {"t","raw"} lines; the invented market where left out',
  },
  from: { value: "TIME", help: "first moment, UTC unless it has an offset: 2026-11-22, 2026-11-22T15:04, …+09:00" },
  to: { value: "TIME", help: "end, exclusive" },
  symbols: { value: "A,B,…", help: "only these (default all that were recorded)" },
  streams: { value: "A,B,…", help: "only these, such as depth20,aggTrade (default all that were recorded)" },
  speed: { value: "N|max", help: "times as fast as it was received, or as fast as the slowest reader (default 1)" },
  time: {
    value: "original|shifted",
    help: "payloads and /time as recorded, byte for byte, or event times (E, T) moved to now (default original)",
  },
  loop: { value: null, help: "begin again at the end, with ids and times that go on rising" },
  gaps: { value: null, help: "send the recording's gaps as !gap events on combined sockets" },
  "keep-pauses": { value: null, help: "wait through recorded gaps; otherwise those longer than 10 s are passed over" },
  faults: { value: "FILE", help: "let the faults of this scenario happen, to test a client" },
  seed: { value: "N", help: "of the invented market and of the faults (default 1)" },
  patient: {
    value: null,
    help: "wait for a client that does not read; otherwise one that takes less than 64 KB in 20 s is dropped",
  },
  names: { value: "A,B,…", help: "further host names by which this replay is reached; names of others are refused" },
  host: { value: "ADDRESS", help: "where to listen (default 127.0.0.1)" },
  port: { value: "N", help: "port of WebSocket, REST and /replay (default 9443; 0: any free one)" },
  "log-level": { value: "LEVEL", help: "debug, info, warn or error (default info)" },
};

/** Flags that make no sense for the invented market. */
const ofRecordings = ["from", "to", "streams", "time", "loop", "gaps", "keep-pauses"];

/** Reads the flags; throws an OperatorError that lists everything that is wrong with them and what is accepted. */
export function replaySettings(flags: Flags): ReplaySettings {
  const problems: string[] = [];

  function read<T>(name: string, fallback: T, parse: (text: string) => T | null, accepted: string): T {
    const text = flags[name];
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value === null) problems.push(`--${name} "${text}" is not accepted; give ${accepted}`);
    return value ?? fallback;
  }

  const whole = (min: number, max: number) => (text: string) =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : null;
  const one =
    <T extends string>(...words: readonly T[]) =>
    (text: string) =>
      words.find((word) => word === text) ?? null;

  const settings: ReplaySettings = {
    data: flags.data ?? null,
    ...readSelection(flags, problems, { stream: "streams", symbol: "symbols", zone: "utc" }),
    speed: read("speed", 1 as number | "max", parseSpeed, acceptedSpeeds),
    host: read("host", "127.0.0.1", (text) => (/^[A-Za-z0-9.:_-]{1,253}$/.test(text) ? text : null), "an address"),
    port: read("port", 9443, whole(0, 65_535), "a whole number from 0 to 65535"),
    time: read("time", "original", one("original", "shifted"), "original or shifted"),
    loop: flags.loop !== undefined,
    gaps: flags.gaps !== undefined,
    keepPauses: flags["keep-pauses"] !== undefined,
    faults: flags.faults ?? null,
    patient: flags.patient !== undefined,
    names: read("names", [] as readonly string[], hostNames, "host names, separated by commas"),
    seed: read("seed", 1, whole(0, 2 ** 31), `a whole number from 0 to ${2 ** 31}`),
    logLevel: read("log-level", "info", one(...logLevels), logLevels.join(", ")),
  };
  if (flags.data === undefined) {
    for (const name of ofRecordings) if (flags[name] !== undefined) problems.push(`--${name} needs --data PATH`);
  }
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return settings;
}

function hostNames(text: string): readonly string[] | null {
  const names = text.split(",").map((name) => name.trim());
  return names.every((name) => /^[A-Za-z0-9.-]{1,253}$/.test(name)) ? names : null;
}

/** The faults of `--faults FILE`: given to the exchange, then started once it listens. */
export type Scenario = { readonly faults: Faults | undefined; start(): void; stop(): void };

/** Without a file nothing goes wrong. Throws an OperatorError with everything that is wrong with the file. */
export function openScenario(file: string | null, seed: number, log: Log): Scenario {
  if (file === null) return { faults: undefined, start() {}, stop() {} };
  const faults = createFaults({ seed });
  return { faults, ...createFaultPlayer(readFaultScript(file), { faults, log }) };
}
