import type { Log } from "./log.ts";
import type { LogFields, LogLevel } from "./log-format.ts";

/** A logged warning or error. */
export type LogEntry = {
  readonly at_us: number;
  readonly level: LogLevel;
  /** Message and fields, with secrets masked. Bounded length. */
  readonly text: string;
};

/** A log that also keeps its latest warnings and errors, whatever level is written. */
export type RecentLogs = {
  readonly log: Log;
  /** Oldest first. */
  newest(): readonly LogEntry[];
};

/** Limits: entries, and characters per entry. */
const maxEntries = 200;
const maxCharacters = 500;

/** Creates a log that passes events to `log` and keeps warnings and errors, with each of `secrets` masked. */
export function createRecentLogs(log: Log, secrets: readonly string[]): RecentLogs {
  const entries: LogEntry[] = [];

  function save(level: LogLevel, message: string, fields: LogFields): void {
    const presentFields = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
    let text = [message, ...presentFields.map(([key, value]) => `${key}=${value}`)].join(" ");
    for (const secret of secrets) text = text.replaceAll(secret, "•••");
    entries.push({ at_us: Date.now() * 1000, level, text: text.slice(0, maxCharacters) });
    if (entries.length > maxEntries) entries.shift();
  }

  return {
    log: {
      ...log,
      warn(message, fields = {}) {
        save("warn", message, fields);
        log.warn(message, fields);
      },
      error(message, fields = {}) {
        save("error", message, fields);
        log.error(message, fields);
      },
    },
    newest: () => entries,
  };
}
