import { OperatorError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type LogLevel, logLevels } from "../../platform/log/log-format.ts";
import { acceptedSpeeds, parseSpeed } from "../../simulator/control/replay-control.ts";
import { createFaultPlayer } from "../../simulator/faults/fault-player.ts";
import { readFaultScript } from "../../simulator/faults/fault-script.ts";
import { createFaults, type Faults } from "../../simulator/faults/faults.ts";
import { readSelection } from "../data/selection.ts";
import { rangeFlags } from "../data/time-range.ts";
import type { Flag, Flags } from "../framework/command.ts";

/** The settings of `rt-data replay`. */
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
    help: 'a data folder, or a file or folder of {"t","raw"} lines (default: a simulated market)',
  },
  ...rangeFlags,
  symbols: { value: "A,B,…", help: "only these symbols (default all recorded)" },
  streams: { value: "A,B,…", help: "only these streams, such as depth20,aggTrade (default all recorded)" },
  speed: { value: "N|max", help: "playback speed; max: as fast as the slowest client reads (default 1)" },
  time: {
    value: "original|shifted",
    help: "payloads and /time as recorded, byte for byte, or event times (E, T) moved to now (default original)",
  },
  loop: { value: null, help: "start again at the end, with ids and times that continue to rise" },
  gaps: { value: null, help: "send the recording's gaps as !gap events on combined sockets" },
  "keep-pauses": { value: null, help: "wait through recorded gaps (default: skip gaps longer than 10 s)" },
  faults: { value: "FILE", help: "scenario of faults, to test a client" },
  seed: { value: "N", help: "seed of the simulated market and of the faults (default 1)" },
  patient: {
    value: null,
    help: "wait for clients that do not read (default: drop a client that reads less than 64 KB in 20 s)",
  },
  names: { value: "A,B,…", help: "further host names of this server; requests for other names are refused" },
  host: { value: "ADDRESS", help: "address to listen on (default 127.0.0.1)" },
  port: { value: "N", help: "port of WebSocket, REST and /replay (default 9443; 0: any free port)" },
  "log-level": { value: "LEVEL", help: "debug, info, warn or error (default info)" },
};

/** Flags that apply to recordings only. */
const recordingFlags = ["from", "to", "last", "streams", "time", "loop", "gaps", "keep-pauses"];

/** Parses the flags. @throws OperatorError that lists all problems and the accepted values */
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
  const oneOf =
    <T extends string>(...words: readonly T[]) =>
    (text: string) =>
      words.find((word) => word === text) ?? null;

  const settings: ReplaySettings = {
    data: flags.data ?? null,
    ...readSelection(flags, problems, { stream: "streams", symbol: "symbols", zone: "utc" }),
    speed: read("speed", 1 as number | "max", parseSpeed, acceptedSpeeds),
    host: read("host", "127.0.0.1", (text) => (/^[A-Za-z0-9.:_-]{1,253}$/.test(text) ? text : null), "an address"),
    port: read("port", 9443, whole(0, 65_535), "a whole number from 0 to 65535"),
    time: read("time", "original", oneOf("original", "shifted"), "original or shifted"),
    loop: flags.loop !== undefined,
    gaps: flags.gaps !== undefined,
    keepPauses: flags["keep-pauses"] !== undefined,
    faults: flags.faults ?? null,
    patient: flags.patient !== undefined,
    names: read("names", [] as readonly string[], hostNames, "host names, separated by commas"),
    seed: read("seed", 1, whole(0, 2 ** 31), `a whole number from 0 to ${2 ** 31}`),
    logLevel: read("log-level", "info", oneOf(...logLevels), logLevels.join(", ")),
  };
  if (flags.data === undefined) {
    for (const name of recordingFlags) if (flags[name] !== undefined) problems.push(`--${name} needs --data PATH`);
  }
  if (problems.length > 0) throw new OperatorError(problems.join("\n"));
  return settings;
}

function hostNames(text: string): readonly string[] | null {
  const names = text.split(",").map((name) => name.trim());
  return names.every((name) => /^[A-Za-z0-9.-]{1,253}$/.test(name)) ? names : null;
}

/** The faults of `--faults FILE`. Pass them to the exchange, then call `start` once it listens. */
export type Scenario = { readonly faults: Faults | undefined; start(): void; stop(): void };

/** Loads the scenario; without a file there are no faults. @throws OperatorError that lists all problems of the file */
export function openScenario(file: string | null, seed: number, log: Log): Scenario {
  if (file === null) return { faults: undefined, start() {}, stop() {} };
  const faults = createFaults({ seed });
  return { faults, ...createFaultPlayer(readFaultScript(file), { faults, log }) };
}
