export type LogLevel = "debug" | "info" | "warn" | "error";

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one line per event to standard error; never throws, never sees a secret (callers pass none). */
export type Log = Readonly<Record<LogLevel, (message: string, fields?: LogFields) => void>>;

export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** `format` "text" is for people, "json" for collectors; events below `level` are dropped. */
export function createLog(
  options: { level: LogLevel; format: "text" | "json"; color: boolean },
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const threshold = logLevels.indexOf(options.level);
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(level) < threshold) return;
      write(
        options.format === "json" ? jsonLine(level, message, fields) : textLine(level, message, fields, options.color),
      );
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A log that keeps quiet. */
export const silentLog: Log = createLog({ level: "error", format: "text", color: false }, () => {});

function jsonLine(level: LogLevel, message: string, fields: LogFields): string {
  return `${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`;
}

const colors: Record<LogLevel, string> = { debug: "\x1b[2m", info: "\x1b[36m", warn: "\x1b[33m", error: "\x1b[31m" };

function textLine(level: LogLevel, message: string, fields: LogFields, color: boolean): string {
  const time = new Date().toISOString().slice(0, 19).replace("T", " ");
  const name = level.padEnd(5);
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}=${typeof value === "string" && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`,
    )
    .join("");
  return color
    ? `\x1b[2m${time}\x1b[0m ${colors[level]}${name}\x1b[0m ${message}\x1b[2m${shown}\x1b[0m\n`
    : `${time} ${name} ${message}${shown}\n`;
}
