import type { Config } from "../../config/config.ts";
import { type AdjustableLog, createLog, type Log } from "../../platform/log/log.ts";
import type { LogLevel } from "../../platform/log/log-format.ts";
import { underJournal, wantsNoColor } from "../../platform/process/environment.ts";
import type { Terminal } from "./command.ts";

/**
 * Creates the log of a command, on standard error. A terminal gets text, with colours if supported; systemd's journal gets JSON with
 * a priority on each line.
 */
export function terminalLog(
  options: { level: LogLevel; format: "auto" | "text" | "json" },
  terminal: Pick<Terminal, "isInteractive">,
  write?: (line: string) => void,
): AdjustableLog {
  const { level, format } = options;
  const priorities = underJournal();
  const resolved = format === "auto" ? (priorities ? "json" : "text") : format;
  const color = terminal.isInteractive && !wantsNoColor();
  return createLog({ level, format: resolved, color, priorities }, write);
}

/** Logs what the config ignores. */
export function logWarnings({ warnings }: Config, log: Log): void {
  for (const { where, problem } of warnings) log.warn(`config: ${problem}`, { variable: where });
}
