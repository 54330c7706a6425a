import { jsonLine, type LogFields, type LogLevel, logLevels, priorityOf, textLine } from "./log-format.ts";

/** Writes one line per event to standard error; never throws, never sees a secret (callers pass none). */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

/** A log whose level can be changed while it is in use. */
export type AdjustableLog = Log & { setLevel(level: LogLevel): void };

export type LogOptions = {
  readonly level: LogLevel;
  /** "text" is for people, "json" for collectors. */
  readonly format: "text" | "json";
  readonly color: boolean;
  /** Puts `<4>` and the like in front, by which systemd's journal knows how grave a line is. */
  readonly priorities?: boolean;
};

/** Events below `level` are dropped; an event is one line of bounded length, whatever it speaks of. */
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

/** A log that keeps quiet. */
export const silentLog: Log = createLog({ level: "error", format: "text", color: false }, () => {});
