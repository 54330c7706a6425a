import type { Log } from "./log.ts";
import type { LogFields, LogLevel } from "./log-format.ts";

/** A warning or an error that was logged. */
export type LogEntry = {
  readonly at_us: number;
  readonly level: LogLevel;
  /** What happened, its fields behind it, secrets blotted out; of bounded length. */
  readonly text: string;
};

/** A log that also keeps its newest warnings and errors, whatever level is written. */
export type RecentLogs = {
  readonly log: Log;
  /** Oldest first. */
  newest(): readonly LogEntry[];
};

/** Entries kept, and letters of each. */
const most = 200;
const longest = 500;

/** Keeps what passes on its way to `log`, with each of `secrets` blotted out. */
export function createRecentLogs(log: Log, secrets: readonly string[]): RecentLogs {
  const entries: LogEntry[] = [];

  function keep(level: LogLevel, message: string, fields: LogFields): void {
    const shown = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
    let text = [message, ...shown.map(([key, value]) => `${key}=${value}`)].join(" ");
    for (const secret of secrets) text = text.replaceAll(secret, "•••");
    entries.push({ at_us: Date.now() * 1000, level, text: text.slice(0, longest) });
    if (entries.length > most) entries.shift();
  }

  return {
    log: {
      ...log,
      warn(message, fields = {}) {
        keep("warn", message, fields);
        log.warn(message, fields);
      },
      error(message, fields = {}) {
        keep("error", message, fields);
        log.error(message, fields);
      },
    },
    newest: () => entries,
  };
}
