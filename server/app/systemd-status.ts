import type { Status } from "../domain/status.ts";
import { notifySocket, watchdogMs } from "../platform/process/environment.ts";
import { notifyService } from "../platform/process/systemd.ts";

/** Reports to systemd: a sign of life, and a status line. */
export type SystemdStatus = {
  /** Call it once a second, from the main loop whose life it reports. */
  tick(): void;
};

/** How often the status line in `systemctl status` is updated, s. */
const statusEvery = 10;

/**
 * Creates the reports. If systemd listens, `tick` sends the status line every ten seconds and the watchdog's sign of life at half of the
 * interval that the unit allows. It has no timer of its own. Without systemd it has no effect.
 */
export function createSystemdStatus(
  status: () => Pick<Status, "ready" | "reasons" | "symbols" | "totals">,
  manager: { socket: string | null; watchdogMs: number | null } = { socket: notifySocket(), watchdogMs: watchdogMs() },
  now: () => number = () => performance.now(),
): SystemdStatus {
  let seconds = 0;
  let lastAlive = Number.NEGATIVE_INFINITY;
  return {
    tick() {
      if (manager.socket === null) return;
      const lines: string[] = [];
      if (manager.watchdogMs !== null && now() - lastAlive >= manager.watchdogMs / 2 - 1000) {
        lines.push("WATCHDOG=1");
        lastAlive = now();
      }
      if (seconds++ % statusEvery === 0) lines.push(`STATUS=${statusLine(status())}`);
      if (lines.length > 0) notifyService(lines.join("\n"), manager.socket);
    },
  };
}

/** Returns the status line, e.g. "recording 3 symbols, 153 messages/s, 0 gaps since the start", or why it is not recording. */
export function statusLine({
  ready,
  reasons,
  symbols,
  totals,
}: Pick<Status, "ready" | "reasons" | "symbols" | "totals">): string {
  const [reason = "not ready"] = reasons;
  if (!ready) return `not recording: ${reason}`.replaceAll(/\s+/g, " ");
  return [
    `recording ${counted(symbols.length, "symbol")}`,
    `${Math.round(totals.messages_per_s)} messages/s`,
    `${counted(totals.gaps, "gap")} since the start`,
  ].join(", ");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
