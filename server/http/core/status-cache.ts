import type { Status } from "../../domain/status.ts";

/** The status as everybody gets it, taken at most once a tick however many ask. */
export type StatusCache = {
  /** The newest status, taken now if the last one is older than a tick. */
  status(): Status;
  /** The same as JSON; serialised once per status. */
  text(): string;
  /** Takes a new status at once. */
  renew(): void;
};

/** `tickMs` is how long a status stays good for those who ask between two ticks. */
export function createStatusCache(options: { tickMs: number }, deps: { status: () => Status }): StatusCache {
  let status: Status | null = null;
  let text: string | null = null;
  let takenMs = 0;

  function renew(): Status {
    status = deps.status();
    text = null;
    takenMs = performance.now();
    return status;
  }

  function current(): Status {
    return status === null || performance.now() - takenMs >= options.tickMs ? renew() : status;
  }

  return {
    status: current,
    text() {
      const wanted = current();
      text ??= JSON.stringify(wanted);
      return text;
    },
    renew,
  };
}
