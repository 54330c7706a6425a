import { jsonLine, type LogFields, type LogLevel, logLevels, priorityOf, textLine } from "./log-format.ts";

/** Writes one line per event to standard error. Never throws. Callers must not pass secrets. */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

/** A log whose level can be changed while it is in use. */
export type AdjustableLog = Log & { setLevel(level: LogLevel): void };

export type LogOptions = {
  readonly level: LogLevel;
  /** "text" is for people, "json" for collectors. */
  readonly format: "text" | "json";
  readonly color: boolean;
  /** Prefixes each line with `<4>` and the like, which systemd's journal reads as severity. */
  readonly priorities?: boolean;
};

/** Creates a log. It drops events below `level` and writes each other event as one line of bounded length. */
export function createLog(
  options: LogOptions,
  write: (line: string) => void = (line) => process.stderr.write(line),
): AdjustableLog {
  let threshold = logLevels.indexOf(options.level);
  const at = (level: LogLevel) => {
    const rank = logLevels.indexOf(level);
    const priority = options.priorities ? priorityOf[level] : "";
    return (message: string, fields: LogFields = {}) => {
      if (rank < threshold) return;
      const now = new Date();
      const line =
        options.format === "json"
          ? jsonLine(now, level, message, fields)
          : textLine(now, level, message, fields, options.color);
      write(`${priority}${line}\n`);
    };
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    setLevel(level) {
      threshold = logLevels.indexOf(level);
    },
  };
}

/** A log that drops every event. */
export const silentLog: Log = createLog({ level: "error", format: "text", color: false }, () => {});
