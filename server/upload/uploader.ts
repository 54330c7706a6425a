import { type Day, nameOfDay } from "../domain/day.ts";
import type { UploadStatus } from "../domain/storage-status.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import { createNap } from "../platform/time/timers.ts";
import type { DayOutcome } from "./day/upload-day.ts";
import { createDayQueue, type Waiting } from "./day-queue.ts";
import { createUploadFailures } from "./upload-failures.ts";

/** Uploads days to the bucket, oldest first, one at a time, and retries until each is there. */
export type Uploader = {
  /** Queues days that are not uploaded yet and starts; returns at once. */
  start(): void;
  /** Queues a day that was archived, or archived again. */
  enqueue(day: Day): void;
  /** Logs that an object in the bucket was changed from outside, and shows it in the status for a day. */
  noteTrouble(day: Day, problem: string): void;
  status(): UploadStatus;
  /** Aborts the running upload; the next start continues it. Idempotent. */
  stop(): Promise<void>;
};

export type UploaderOptions = {
  /** Name of the bucket and its host, for people. */
  readonly target: string;
  /** Time after which an uploaded day is checked again, ms. */
  readonly settleMs: number;
  /** Wait after the first failure, ms. */
  readonly retryMs?: number;
};

export type UploaderDeps = {
  /** Archived days that the bucket should have but is not known to have, with their due time, ms since the epoch. */
  readonly pending: () => AsyncIterable<{ readonly day: Day; readonly dueMs: number }>;
  /** Uploads a day. `isAgain`: the previous attempt failed. */
  readonly upload: (day: Day, onProgress: (bytes: number) => void, isAgain: boolean) => Promise<DayOutcome>;
  /** Returns true if the borders of a day must be settled later; the day is queued again then. */
  readonly isBorderOpen?: (day: Day) => boolean;
  /** ms since the epoch. */
  readonly nowMs: () => number;
  /** Ends all requests. */
  readonly abort: () => void;
  readonly onConfirmed?: (day: Day) => void;
  readonly log: Log;
};

const longestPauseMs = 600_000;
/** A store may take each piece just in time and an archive for ever. After this time people are told, ms. */
const slowMs = 6 * 3_600_000;

/** How long a change in the bucket stays in the status, ms, and how many changes the status shows. */
const troubleMs = 86_400_000;
const mostTroubles = 50;

/** Creates an uploader. Recording never waits for it. */
export function createUploader(options: UploaderOptions, deps: UploaderDeps): Uploader {
  const { log, nowMs } = deps;
  const queue = createDayQueue();
  const failures = createUploadFailures({ nowMs, log, retryMs: options.retryMs });
  const troubles = new Map<string, { readonly problem: string; readonly atMs: number }>();
  const counts = { uploaded: 0, bytes: 0, failures: 0 };
  let current: { readonly day: Day; bytes: number; readonly sinceMs: number } | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;
  const nap = createNap();

  async function run(): Promise<void> {
    try {
      for await (const { day, dueMs } of deps.pending()) {
        if (stopped) return;
        queue.add(day, dueMs);
      }
    } catch (error) {
      log.error("cannot list archives to upload; archives from before this start wait for the next start", {
        reason: messageOf(error),
      });
    }
    while (!stopped) {
      const now = nowMs();
      const next = queue.next(now);
      const readyMs = Math.max(next?.dueMs ?? Number.POSITIVE_INFINITY, failures.untilMs());
      if (next === null || readyMs > now) await nap.sleep(Math.min(readyMs - now, longestPauseMs));
      else await attempt(next);
    }
  }

  async function attempt(next: Waiting): Promise<void> {
    const { day } = next;
    // Remove it before the upload: if the day is archived again meanwhile, it is queued again.
    queue.dequeue(next);
    const startedMs = nowMs();
    current = { day, bytes: 0, sinceMs: startedMs };
    try {
      const onProgress = (bytes: number) => {
        counts.bytes += bytes;
        if (current !== null) current.bytes += bytes;
      };
      const outcome = await deps.upload(day, onProgress, next.failures > 0);
      // A day that is gone from this disk does not show that the store works.
      if (outcome !== "gone") failures.succeeded();
      onOutcome(next, outcome, startedMs);
    } catch (error) {
      if (stopped) return;
      counts.failures++;
      failures.failed(next, error);
      queue.putBack(next);
    } finally {
      current = null;
    }
  }

  function onOutcome({ day }: Waiting, outcome: DayOutcome, startedMs: number): void {
    if (deps.isBorderOpen?.(day)) queue.add(day, nowMs() + options.settleMs);
    if (outcome === "waits") queue.add(day, nowMs() + options.settleMs / 4);
    if (outcome === "confirmed") deps.onConfirmed?.(day);
    if (outcome === "uploaded" || outcome === "combined" || outcome === "found") {
      counts.uploaded++;
      queue.add(day, nowMs() + options.settleMs);
      const seconds = Math.round((nowMs() - startedMs) / 100) / 10;
      const messages = {
        uploaded: "uploaded an archive",
        combined: "combined an archive with another recorder's archive in the bucket",
        found: "an archive is already in the bucket",
      };
      log.info(messages[outcome], { ...day, bytes: current?.bytes ?? 0, seconds });
    }
  }

  /** Describes an upload that has been running for hours without an error; null otherwise. */
  function slowUpload(now: number): string | null {
    if (current === null || now - current.sinceMs < slowMs) return null;
    const hours = Math.floor((now - current.sinceMs) / 3_600_000);
    return `the upload of ${nameOfDay(current.day)} has been running for ${hours} hours (${current.bytes} bytes sent): the store, the network or upload.bandwidth_mbps is too slow`;
  }

  function objectsInTrouble(now: number): { subject: string; problem: string }[] {
    for (const [name, { atMs }] of troubles) if (now - atMs > troubleMs) troubles.delete(name);
    const problems = new Map([...troubles].map(([name, { problem }]) => [name, problem]));
    for (const { day, refused } of queue.all()) if (refused !== null) problems.set(nameOfDay(day), refused);
    return [...problems].map(([subject, problem]) => ({ subject, problem })).slice(0, mostTroubles);
  }

  return {
    start() {
      running ??= run();
    },
    enqueue(day) {
      queue.add(day, 0);
      nap.wake();
    },
    noteTrouble(day, problem) {
      const isKnown = troubles.get(nameOfDay(day))?.problem === problem;
      troubles.delete(nameOfDay(day));
      troubles.set(nameOfDay(day), { problem, atMs: nowMs() });
      if (troubles.size > mostTroubles) for (const name of [...troubles.keys()].slice(0, 1)) troubles.delete(name);
      if (!isKnown)
        log.error("an archive in the bucket was changed or removed from outside; uploading it again", {
          ...day,
          reason: problem,
        });
    },
    status() {
      const now = nowMs();
      const due = [...queue.all()].filter(({ dueMs, failures }) => dueMs <= now || failures > 0);
      return {
        target: options.target,
        archives_uploaded: counts.uploaded,
        archives_waiting: due.length + (current === null ? 0 : 1),
        archives_unconfirmed: queue.size() - due.length,
        bytes_sent: counts.bytes,
        failures: counts.failures,
        problem: failures.outage() ?? slowUpload(now),
        objects: objectsInTrouble(now),
      };
    },
    async stop() {
      stopped = true;
      deps.abort();
      nap.wake();
      await running;
    },
  };
}
