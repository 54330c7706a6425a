import type { Log } from "../../platform/log/log.ts";
import type { LogLevel } from "../../platform/log/log-format.ts";
import type { PlayReport } from "../../simulator/control/replay-control.ts";
import type { Terminal } from "../framework/command.ts";
import { terminalLog } from "../framework/terminal-log.ts";

/** The terminal output of a replay: log lines, and a progress line below them. */
export type ReplayTerminal = {
  readonly log: Log;
  /** Starts the progress line, on a terminal only. */
  start(report: () => PlayReport, counts: () => { clients: number; sent: number }): void;
  stop(): void;
};

const everyMs = 500;
const clearLine = "\r\x1b[K";

/** Creates the output, on standard error. */
export function createReplayTerminal(
  level: LogLevel,
  terminal: Terminal,
  write: (text: string) => void = (text) => process.stderr.write(text),
): ReplayTerminal {
  const { isInteractive } = terminal;
  let timer: ReturnType<typeof setInterval> | null = null;
  let line = "";
  const log = terminalLog({ level, format: "auto" }, terminal, (text) =>
    write(line === "" ? text : `${clearLine}${text}${line}`),
  );

  return {
    log,
    start(report, counts) {
      if (!isInteractive) return;
      let before = { at: performance.now(), messages: report().messages };
      timer = setInterval(() => {
        const now = report();
        const at = performance.now();
        const perSecond = ((now.messages - before.messages) * 1000) / (at - before.at);
        before = { at, messages: now.messages };
        line = progressLine(now, perSecond, counts().clients);
        write(`${clearLine}${line}`);
      }, everyMs);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      if (line !== "") write(clearLine);
      line = "";
    },
  };
}

/** Formats the progress line, e.g. `2026-11-22 15:04:05 UTC  12.3 %  ×10  1,234 messages/s  2 clients`. */
function progressLine(report: PlayReport, perSecond: number, clients: number): string {
  const { state, positionUs, fromUs, toUs, speed } = report;
  const share = toUs === null ? null : Math.min(1, Math.max(0, (positionUs - fromUs) / Math.max(1, toUs - fromUs)));
  const parts = [
    `${new Date(positionUs / 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`,
    share === null ? null : `${(share * 100).toFixed(1)} %`,
    speed === "max" ? "max" : `×${speed}`,
    `${Math.round(perSecond).toLocaleString("en")} messages/s`,
    clients === 1 ? "1 client" : `${clients} clients`,
    state === "waiting" ? "waiting for a subscription" : state === "playing" ? null : state,
  ];
  return parts.filter((part) => part !== null).join("  ");
}
