import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";

/** Errors that nobody expected. Each keeps to the part in which it came up: it is caught, reported once, and everything else goes on. */
export type UnexpectedErrors = {
  /** Something failed in this part. A reason that is known already is counted only. */
  note(part: string, error: unknown): void;
  /** The part works. */
  clear(part: string): void;
  /** What fails now or did so within the last minute. */
  current(): readonly { readonly part: string; readonly reason: string }[];
};

/** An error that does not come again for so long is over, ms: an uncaught one has nobody who says that it is. */
const rememberMs = 60_000;

/** Different reasons that are told at once; the rest is counted. */
const mostTold = 50;

/** No faults yet; `nowMs` need only never run backwards. */
export function createUnexpectedErrors(deps: { log: Log; nowMs?: () => number }): UnexpectedErrors {
  const { log, nowMs = () => performance.now() } = deps;
  const known = new Map<string, { part: string; reason: string; times: number; lastMs: number }>();

  function end(key: string): void {
    const fault = known.get(key);
    known.delete(key);
    if (fault !== undefined) log.info("a part that failed works again", { part: fault.part, times: fault.times });
  }

  function forgetOld(): void {
    for (const [key, { lastMs }] of known) if (nowMs() - lastMs > rememberMs) end(key);
  }

  return {
    note(part, error) {
      const reason = messageOf(error);
      const key = `${part}\n${reason}`;
      const fault = known.get(key);
      if (fault !== undefined) {
        fault.times++;
        fault.lastMs = nowMs();
        return;
      }
      forgetOld();
      if (known.size >= mostTold) return;
      known.set(key, { part, reason, times: 1, lastMs: nowMs() });
      log.error("a part failed; everything else goes on, and it is tried again", {
        part,
        reason,
        where: placeOf(error),
      });
    },
    clear(part) {
      if (known.size > 0) for (const [key, fault] of known) if (fault.part === part) end(key);
    },
    current() {
      if (known.size > 0) forgetOld();
      return [...known.values()];
    },
  };
}

/** The first line of the stack, which says where to look. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack : undefined;
  return /^\s+at (.*)$/m.exec(stack ?? "")?.[1];
}
