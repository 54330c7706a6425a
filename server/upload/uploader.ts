import type { Day } from "../domain/day.ts";
import type { UploadStatus } from "../domain/status.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import type { DayOutcome } from "./day/upload-day.ts";
import { createDayQueue, nameOf, type Waiting } from "./day-queue.ts";
import { createUploadFailures } from "./upload-failures.ts";

/** Brings days into the bucket, one after another, oldest first, again and again until each is there. */
export type Uploader = {
  /** Looks for what is not uploaded yet and begins; returns at once. */
  start(): void;
  /** A day was archived (or archived anew). */
  note(day: Day): void;
  /** Something in the bucket was not as it was left there: told, and kept in the status for a day. */
  noteTrouble(day: Day, what: string): void;
  status(): UploadStatus;
  /** Ends what is under way; the next start goes on with it. Idempotent. */
  stop(): Promise<void>;
};

export type UploaderOptions = {
  /** For people: the bucket and its host. */
  readonly target: string;
  /** A day that was uploaded is looked at again after so long, ms. */
  readonly settleMs: number;
  /** Wait after a first failure, ms. */
  readonly retryMs?: number;
};

export type UploaderDeps = {
  /** Archived days that the bucket should have and is not known to, with the moment (ms since the epoch) to deal with each. */
  readonly pending: () => AsyncIterable<{ readonly day: Day; readonly dueMs: number }>;
  /** `isAgain`: the attempt before has failed. */
  readonly upload: (day: Day, onProgress: (bytes: number) => void, isAgain: boolean) => Promise<DayOutcome>;
  /** Is something left to be done at the borders of a day? It is looked at again then. */
  readonly isBorderOpen?: (day: Day) => boolean;
  /** ms since the epoch. */
  readonly nowMs: () => number;
  /** Ends all requests. */
  readonly abort: () => void;
  readonly onConfirmed?: (day: Day) => void;
  readonly log: Log;
};

const longestPauseMs = 600_000;

/** For so long a change in the bucket stays in the status, ms, and no more than so many of them. */
const troubleMs = 86_400_000;
const mostTroubles = 50;

/** An uploader; recording never waits for it. */
export function createUploader(options: UploaderOptions, deps: UploaderDeps): Uploader {
  const { log, nowMs } = deps;
  const queue = createDayQueue();
  const failures = createUploadFailures({ nowMs, log, retryMs: options.retryMs });
  const troubles = new Map<string, { readonly problem: string; readonly atMs: number }>();
  const counts = { uploaded: 0, bytes: 0, failures: 0 };
  let current: { day: Day; bytes: number } | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;
  let wake = () => {};

  async function run(): Promise<void> {
    try {
      for await (const { day, dueMs } of deps.pending()) {
        if (stopped) return;
        queue.add(day, dueMs);
      }
    } catch (error) {
      log.error("cannot look for archives to upload; those of before this start wait for the next one", {
        reason: messageOf(error),
      });
    }
    while (!stopped) {
      const now = nowMs();
      const next = queue.next(now);
      const readyMs = Math.max(next?.dueMs ?? Number.POSITIVE_INFINITY, failures.untilMs());
      if (next === null || readyMs > now) await pause(Math.min(readyMs - now, longestPauseMs));
      else await attempt(next);
    }
  }

  async function attempt(next: Waiting): Promise<void> {
    const { day } = next;
    // A day that is archived anew meanwhile comes back by itself.
    queue.take(next);
    current = { day, bytes: 0 };
    const startedMs = nowMs();
    try {
      const onProgress = (bytes: number) => {
        counts.bytes += bytes;
        if (current !== null) current.bytes += bytes;
      };
      const outcome = await deps.upload(day, onProgress, next.failures > 0);
      // A day that is gone from this disk says nothing of the store.
      if (outcome !== "gone") failures.succeeded();
      settle(next, outcome, startedMs);
    } catch (error) {
      if (stopped) return;
      counts.failures++;
      failures.failed(next, error);
      queue.putBack(next);
    } finally {
      current = null;
    }
  }

  function settle({ day }: Waiting, outcome: DayOutcome, startedMs: number): void {
    if (deps.isBorderOpen?.(day)) queue.add(day, nowMs() + options.settleMs);
    if (outcome === "waits") queue.add(day, nowMs() + options.settleMs / 4);
    if (outcome === "confirmed") deps.onConfirmed?.(day);
    if (outcome === "uploaded" || outcome === "united" || outcome === "found") {
      counts.uploaded++;
      queue.add(day, nowMs() + options.settleMs);
      const seconds = Math.round((nowMs() - startedMs) / 100) / 10;
      const messages = {
        uploaded: "uploaded an archive",
        united: "united an archive with another recorder's in the bucket",
        found: "an archive is in the bucket already",
      };
      log.info(messages[outcome], { ...day, bytes: current?.bytes ?? 0, seconds });
    }
  }

  function objectsInTrouble(now: number): { subject: string; problem: string }[] {
    for (const [name, { atMs }] of troubles) if (now - atMs > troubleMs) troubles.delete(name);
    const problems = new Map([...troubles].map(([name, { problem }]) => [name, problem]));
    for (const { day, refused } of queue.all()) if (refused !== null) problems.set(nameOf(day), refused);
    return [...problems].map(([subject, problem]) => ({ subject, problem })).slice(0, mostTroubles);
  }

  async function pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  return {
    start() {
      running ??= run();
    },
    note(day) {
      queue.add(day, 0);
      wake();
    },
    noteTrouble(day, what) {
      const isKnown = troubles.get(nameOf(day))?.problem === what;
      troubles.delete(nameOf(day));
      troubles.set(nameOf(day), { problem: what, atMs: nowMs() });
      if (troubles.size > mostTroubles) for (const name of [...troubles.keys()].slice(0, 1)) troubles.delete(name);
      if (!isKnown)
        log.error("an archive in the bucket was changed or removed by somebody else; it is put right", {
          ...day,
          reason: what,
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
        problem: failures.outage(),
        objects: objectsInTrouble(now),
      };
    },
    async stop() {
      stopped = true;
      deps.abort();
      wake();
      await running;
    },
  };
}
