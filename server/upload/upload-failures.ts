import { codeOf, messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { besideCode } from "./day/day-borders.ts";
import { isOvertaken } from "./day/upload-file.ts";
import { nameOf, type Waiting } from "./day-queue.ts";
import { StoreProblem } from "./store/store-errors.ts";

/**
 * Tells outages, which keep all days waiting, from the refusal of one day, around which the others go on. A store that cannot be
 * reached, a wrong key, a 503 are outages; an object that is locked is not. A 403 or a 500 may be either: it is the day's own until
 * three days in a row have met with one. And whatever befalls a day again although others got through meanwhile is its own.
 */
export type UploadFailures = {
  /** What keeps all days waiting, in words, or null. */
  outage(): string | null;
  /** No attempt before this, ms since the epoch; 0 without an outage. */
  untilMs(): number;
  /** Sets when the day is to be tried again, and what is said of it. */
  failed(day: Waiting, error: unknown): void;
  succeeded(): void;
};

const daysForOutage = 3;
/** So many recorders are not quicker one after another: from then on the store's conditions do not hold what its ETags say. */
const mostOvertaken = 12;
const unstable =
  "; if no other recorder does so, the store changes ETags by itself, or its If-Match does not go by them";
/** Longest wait in an outage, and of a day that is refused, ms. */
const longestOutageMs = 600_000;
const longestRefusedMs = 3_600_000;

/** Of no failure yet. A problem is told once, and once more when it is over. */
export function createUploadFailures(deps: {
  readonly nowMs: () => number;
  readonly log: Log;
  /** Wait after a first failure, doubled with each further one; at random from half of it on. */
  readonly retryMs?: number | undefined;
}): UploadFailures {
  const { nowMs, log, retryMs = 5_000 } = deps;
  let successes = 0;
  /** Days that have failed for a reason that may be theirs or the store's, since the last success. */
  let unclear = new Set<string>();
  let outage: { told: Set<string>; message: string; failures: number; sinceMs: number; untilMs: number } | null = null;

  function isOutage(day: Waiting, error: unknown): boolean {
    if (!(error instanceof StoreProblem) || error.scope === "object") return false;
    // Others got through since this day failed before.
    if (day.failedAfter !== null && successes > day.failedAfter) return false;
    if (error.scope === "store") return true;
    unclear.add(nameOf(day.day));
    return outage !== null || unclear.size >= daysForOutage;
  }

  function noteOutage(code: string, message: string): void {
    outage ??= { told: new Set(), message, failures: 0, sinceMs: nowMs(), untilMs: 0 };
    if (!outage.told.has(code)) log.error("cannot upload; it is tried again until it works", { reason: message });
    outage.told.add(code);
    outage.message = message;
    outage.untilMs = nowMs() + backoff(outage.failures++, retryMs, longestOutageMs);
  }

  return {
    outage: () => outage?.message ?? null,
    untilMs: () => outage?.untilMs ?? 0,
    failed(day, error) {
      const message = messageOf(error) + (isOvertaken(error) && day.failures + 1 >= mostOvertaken ? unstable : "");
      const isOverall = isOutage(day, error);
      day.failures++;
      if (isOverall) {
        day.failedAfter ??= successes;
        [day.dueMs, day.refused] = [0, null];
        noteOutage(codeOf(error) ?? "", message);
        return;
      }
      day.failedAfter = successes;
      if (isOvertaken(error) && day.failures < mostOvertaken) {
        day.dueMs = nowMs() + backoff(0, retryMs, longestOutageMs);
        return;
      }
      const code = codeOf(error) ?? message;
      day.dueMs = nowMs() + backoff(day.failures - 1, retryMs, longestRefusedMs);
      const mayPass = error instanceof StoreProblem && (error.scope === "unclear" || error.code === besideCode);
      if (day.failures === 1 && mayPass) {
        // Stores fail now and then; the second time in a row it is the day's trouble.
        log.warn("an upload did not succeed; it is tried again", { ...day.day, reason: message });
        return;
      }
      if (!day.told.has(code) && day.told.size < 10)
        log.error("cannot upload an archive; it is tried again, the others go on", { ...day.day, reason: message });
      day.told.add(code);
      day.refused = message;
    },
    succeeded() {
      successes++;
      unclear = new Set();
      if (outage === null) return;
      log.info("uploading works again", { after_s: Math.round((nowMs() - outage.sinceMs) / 1000) });
      outage = null;
    },
  };
}

function backoff(failures: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** failures) * (0.5 + Math.random() / 2);
}
