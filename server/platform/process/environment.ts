import { fstatSync } from "../files/files.ts";

/**
 * Tests whether systemd's journal reads our standard error.
 * `$JOURNAL_STREAM` alone is not enough: a shell started by a service inherits the variable but not the stream.
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

/** Tests whether the environment asks for text without colours (https://no-color.org) or names a terminal without colours. */
export function wantsNoColor(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return (environment.NO_COLOR ?? "") !== "" || environment.TERM === "dumb";
}

/** Returns the socket on which systemd expects status messages (sd_notify), or null. */
export function notifySocket(environment: Readonly<Record<string, string | undefined>> = process.env): string | null {
  return environment.NOTIFY_SOCKET || null;
}

/**
 * Returns how long systemd waits for a watchdog message before it kills the service, ms, or null.
 * `WATCHDOG_PID` is ignored, because the child of an upgrade inherits the variable of its parent.
 */
export function watchdogMs(environment: Readonly<Record<string, string | undefined>> = process.env): number | null {
  const microseconds = Number(environment.WATCHDOG_USEC ?? "");
  return Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : null;
}

/** Tests whether systemd started this very process as a service, rather than an ancestor of it. */
export function isService(environment: Readonly<Record<string, string | undefined>> = process.env): boolean {
  return environment.SYSTEMD_EXEC_PID === String(process.pid);
}

/** The addresses of proxies, and the hosts that are reached without; empty if not set. */
export type ProxyVariables = Readonly<Record<"HTTPS_PROXY" | "HTTP_PROXY" | "ALL_PROXY" | "NO_PROXY", string>>;

/** Returns the variables of proxies. Lower case wins, as in curl. */
export function proxyVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ProxyVariables {
  const of = (name: string) => (environment[name.toLowerCase()] || environment[name] || "").trim();
  return {
    HTTPS_PROXY: of("HTTPS_PROXY"),
    HTTP_PROXY: of("HTTP_PROXY"),
    ALL_PROXY: of("ALL_PROXY"),
    NO_PROXY: of("NO_PROXY"),
  };
}
