import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";

/** Collects unexpected errors. An error stays within its part: it is caught and reported once, and the other parts go on. */
export type UnexpectedErrors = {
  /** Reports a failure of this part. A known reason is only counted. */
  report(part: string, error: unknown): void;
  /** Ends the failures of this part, which works again. */
  clear(part: string): void;
  /** Returns failures that last or occurred within the last minute. */
  current(): readonly { readonly part: string; readonly reason: string }[];
};

/** A failure ends after this long without the error, ms. No part calls `clear` for an uncaught error. */
const rememberMs = 60_000;

/** Limit of different reasons at a time; further reasons are dropped. */
const mostKnown = 50;

/** Creates an empty collection. `nowMs` must be monotonic. */
export function createUnexpectedErrors(deps: { log: Log; nowMs?: () => number }): UnexpectedErrors {
  const { log, nowMs = () => performance.now() } = deps;
  const known = new Map<string, { part: string; reason: string; times: number; lastMs: number }>();

  function end(key: string): void {
    const fault = known.get(key);
    known.delete(key);
    if (fault !== undefined) log.info("a failed part works again", { part: fault.part, times: fault.times });
  }

  function endOld(): void {
    for (const [key, { lastMs }] of known) if (nowMs() - lastMs > rememberMs) end(key);
  }

  return {
    report(part, error) {
      const reason = messageOf(error);
      const key = `${part}\n${reason}`;
      const fault = known.get(key);
      if (fault !== undefined) {
        fault.times++;
        fault.lastMs = nowMs();
        return;
      }
      endOld();
      if (known.size >= mostKnown) return;
      known.set(key, { part, reason, times: 1, lastMs: nowMs() });
      log.error("a part failed; the other parts go on, and it is tried again", {
        part,
        reason,
        where: placeOf(error),
      });
    },
    clear(part) {
      if (known.size > 0) for (const [key, fault] of known) if (fault.part === part) end(key);
    },
    current() {
      if (known.size > 0) endOld();
      return [...known.values()];
    },
  };
}

/** Returns the first line of the stack, where the error was thrown. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  return /^\s+at (.*)$/m.exec(stack ?? "")?.[1];
}
