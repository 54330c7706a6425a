import { fstatSync } from "../files/files.ts";

/**
 * True where systemd's journal reads our standard error, which is what `$JOURNAL_STREAM` names; a shell that was started by a service
 * hands the variable down, but not the stream.
 */
export function underJournal(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  const { JOURNAL_STREAM: journal } = environment;
  if (!journal) return false;
  try {
    const { dev, ino } = fstatSync(2, { bigint: true });
    return journal === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** True where the environment asks for text without colours (https://no-color.org), or names a terminal that has none. */
export function wantsNoColor(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
}

/** Where systemd wants to be told how the service is (sd_notify), or null where it does not. */
export function notifySocket(environment: Readonly<Record<string, string | undefined>> = process.env): string | null {
  return environment.NOTIFY_SOCKET || null;
}

/**
 * How long systemd waits for a sign of life before it ends us, ms, or null. `WATCHDOG_PID` is not looked at: a recorder that
 * takes over from another one has inherited the other's.
 */
export function watchdogMs(environment: Readonly<Record<string, string | undefined>> = process.env): number | null {
  const microseconds = Number(environment.WATCHDOG_USEC ?? "");
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}

/** True where systemd has started this very process as a service, and not something that has started us. */
export function isService(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return environment.SYSTEMD_EXEC_PID === String(process.pid);
}
