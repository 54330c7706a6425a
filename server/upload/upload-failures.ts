import { nameOfDay } from "../domain/day.ts";
import { codeOf, messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { backoff } from "../platform/time/backoff.ts";
import { besideCode } from "./day/day-borders.ts";
import { isOvertaken } from "./day/upload-file.ts";
import type { Waiting } from "./day-queue.ts";
import { StoreProblem } from "./store/store-errors.ts";

/**
 * Separates outages, in which all days wait, from refusals of a single day. Rules:
 *
 *   outage     unreachable store, wrong key, 503
 *   refusal    the object is the cause, for example a locked object
 *   403, 500   a refusal, until three days in a row have failed like that; then an outage
 *   any        a refusal if other days succeeded since this day failed before
 */
export type UploadFailures = {
  /** The message of the current outage; null without an outage. */
  outage(): string | null;
  /** Time of the next attempt, ms since the epoch; 0 without an outage. */
  untilMs(): number;
  /** Records a failure: sets when the day is retried and logs the problem. */
  failed(day: Waiting, error: unknown): void;
  succeeded(): void;
};

const daysForOutage = 3;
/** Consecutive conflicts of a day that other recorders can cause. With more conflicts the store's ETags or If-Match are faulty. */
const mostOvertaken = 12;
const unstable = "; if no other recorder writes it, the store changes ETags by itself, or its If-Match does not work";
/** Bounds of the waits in an outage, and of a refused day, ms. */
const outageWaits = { longest: 600_000, jitter: 0.5 };
const refusedWaits = { longest: 3_600_000, jitter: 0.5 };

/** Creates the record of failures. Each problem is logged once, and again when it is over. */
export function createUploadFailures(deps: {
  readonly nowMs: () => number;
  readonly log: Log;
  /** Wait after the first failure, ms. */
  readonly retryMs?: number | undefined;
}): UploadFailures {
  const { nowMs, log, retryMs = 5_000 } = deps;
  let successes = 0;
  /** Days that failed with an unclear scope since the last success. */
  let unclear = new Set<string>();
  let outage: { told: Set<string>; message: string; failures: number; sinceMs: number; untilMs: number } | null = null;

  function isOutage(day: Waiting, error: unknown): boolean {
    if (!(error instanceof StoreProblem) || error.scope === "object") return false;
    // Other days succeeded since this day failed before.
    if (day.failedAfter !== null && successes > day.failedAfter) return false;
    if (error.scope === "store") return true;
    unclear.add(nameOfDay(day.day));
    return outage !== null || unclear.size >= daysForOutage;
  }

  function recordOutage(code: string, message: string): void {
    outage ??= { told: new Set(), message, failures: 0, sinceMs: nowMs(), untilMs: 0 };
    if (!outage.told.has(code)) log.error("cannot upload; retrying until it works", { reason: message });
    outage.told.add(code);
    outage.message = message;
    outage.untilMs = nowMs() + backoff({ first: retryMs, ...outageWaits }, outage.failures++);
  }

  return {
    outage: () => outage?.message ?? null,
    untilMs: () => outage?.untilMs ?? 0,
    failed(day, error) {
      const message = messageOf(error) + (isOvertaken(error) && day.failures + 1 >= mostOvertaken ? unstable : "");
      const isStoreOutage = isOutage(day, error);
      day.failures++;
      if (isStoreOutage) {
        day.failedAfter ??= successes;
        [day.dueMs, day.refused] = [0, null];
        recordOutage(codeOf(error) ?? "", message);
        return;
      }
      day.failedAfter = successes;
      if (isOvertaken(error) && day.failures < mostOvertaken) {
        day.dueMs = nowMs() + backoff({ first: retryMs, ...outageWaits }, 0);
        return;
      }
      const code = codeOf(error) ?? message;
      day.dueMs = nowMs() + backoff({ first: retryMs, ...refusedWaits }, day.failures - 1);
      const mayPass = error instanceof StoreProblem && (error.scope === "unclear" || error.code === besideCode);
      if (day.failures === 1 && mayPass) {
        // Stores fail occasionally. Only a second failure in a row counts as a problem of the day.
        log.warn("an upload failed once; it is retried", { ...day.day, reason: message });
        return;
      }
      if (!day.loggedCodes.has(code) && day.loggedCodes.size < 10)
        log.error("cannot upload an archive; it is retried, other archives continue", { ...day.day, reason: message });
      day.loggedCodes.add(code);
      day.refused = message;
    },
    succeeded() {
      successes++;
      unclear = new Set();
      if (outage === null) return;
      log.info("uploads work again", { after_s: Math.round((nowMs() - outage.sinceMs) / 1000) });
      outage = null;
    },
  };
}
