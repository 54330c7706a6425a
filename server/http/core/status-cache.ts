import type { Status } from "../../domain/status.ts";

/** Shares one status between all clients. It is collected at most once a tick. */
export type StatusCache = {
  /** Returns the cached status, or collects a new status if the cached status is older than a tick. */
  status(): Status;
  /** Returns `status()` as JSON; serialised once per status. */
  text(): string;
  /** Collects a new status at once. */
  renew(): void;
};

/** Creates the cache. A cached status expires after `tickMs`. */
export function createStatusCache(options: { tickMs: number }, deps: { status: () => Status }): StatusCache {
  let status: Status | null = null;
  let text: string | null = null;
  let collectedMs = 0;

  function renew(): Status {
    status = deps.status();
    text = null;
    collectedMs = performance.now();
    return status;
  }

  function current(): Status {
    return status === null || performance.now() - collectedMs >= options.tickMs ? renew() : status;
  }

  return {
    status: current,
    text() {
      const newest = current();
      text ??= JSON.stringify(newest);
      return text;
    },
    renew,
  };
}
