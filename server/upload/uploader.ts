import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import type { Day } from "../segment.ts";
import type { UploadStatus } from "../status.ts";
import { StoreProblem } from "./store-problem.ts";
import type { DayOutcome } from "./upload-day.ts";
import { isOvertaken } from "./upload-file.ts";

/** Brings days into the bucket, one after another, oldest first, again and again until each is there. */
export type Uploader = {
  /** Looks for what is not uploaded yet and begins; returns at once. */
  start(): void;
  /** A day was archived (or archived anew). */
  note(day: Day): void;
  status(): UploadStatus;
  /** Ends what is under way; the next start goes on with it. Idempotent. */
  stop(): Promise<void>;
};

export type UploaderOptions = {
  /** For people: the bucket and its host. */
  readonly target: string;
  /** A day that was uploaded is looked at again after so long, ms. */
  readonly settleMs: number;
  /** Wait after a first failure, doubled with each further one up to `longestRetryMs`; at random from half of it on. */
  readonly retryMs?: number;
};

export type UploaderDeps = {
  /** Archived days that the bucket should have and is not known to, with the moment (ms since the epoch) to deal with each. */
  readonly pending: () => AsyncIterable<{ readonly day: Day; readonly dueMs: number }>;
  readonly upload: (day: Day, onProgress: (bytes: number) => void) => Promise<DayOutcome>;
  /** ms since the epoch. */
  readonly nowMs: () => number;
  /** Ends all requests. */
  readonly abort: () => void;
  readonly onConfirmed?: (day: Day) => void;
  readonly log: Log;
};

const longestRetryMs = 600_000;

type Waiting = { readonly day: Day; dueMs: number; failures: number; told: string | null };

/** An uploader; recording never waits for it. A problem is told once, and once more when it is over. */
export function createUploader(options: UploaderOptions, deps: UploaderDeps): Uploader {
  const { log, nowMs } = deps;
  const waiting = new Map<string, Waiting>();
  const counts = { uploaded: 0, bytes: 0, failures: 0 };
  let current: { day: Day; bytes: number } | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;
  let wake = () => {};
  /** What keeps all days waiting; each of its codes is told at its first appearance. */
  let outage: { told: Set<string>; message: string; failures: number; sinceMs: number; untilMs: number } | null = null;

  function add(day: Day, dueMs: number): void {
    const known = waiting.get(nameOf(day));
    if (known === undefined) waiting.set(nameOf(day), { day, dueMs, failures: 0, told: null });
    else known.dueMs = Math.min(known.dueMs, dueMs);
  }

  async function run(): Promise<void> {
    try {
      for await (const { day, dueMs } of deps.pending()) {
        if (stopped) return;
        add(day, dueMs);
      }
    } catch (error) {
      log.error("cannot look for archives to upload; those of before this start wait for the next one", {
        reason: messageOf(error),
      });
    }
    while (!stopped) {
      const now = nowMs();
      const next = soonest(waiting.values(), now);
      const readyMs = Math.max(next?.dueMs ?? Number.POSITIVE_INFINITY, outage?.untilMs ?? 0);
      if (next === null || readyMs > now) await pause(Math.min(readyMs - now, longestRetryMs));
      else await attempt(next);
    }
  }

  async function attempt(next: Waiting): Promise<void> {
    const { day } = next;
    // A day that is archived anew meanwhile comes back by itself.
    waiting.delete(nameOf(day));
    current = { day, bytes: 0 };
    const startedMs = nowMs();
    try {
      const outcome = await deps.upload(day, (bytes) => {
        counts.bytes += bytes;
        if (current !== null) current.bytes += bytes;
      });
      endOutage();
      settle(next, outcome, startedMs);
    } catch (error) {
      if (!stopped) postpone(next, error);
    } finally {
      current = null;
    }
  }

  function settle({ day }: Waiting, outcome: DayOutcome, startedMs: number): void {
    if (outcome === "waits") add(day, nowMs() + options.settleMs / 4);
    if (outcome === "confirmed") deps.onConfirmed?.(day);
    if (outcome === "uploaded" || outcome === "united" || outcome === "found") {
      counts.uploaded++;
      add(day, nowMs() + options.settleMs);
      const seconds = Math.round((nowMs() - startedMs) / 100) / 10;
      const messages = {
        uploaded: "uploaded an archive",
        united: "united an archive with another recorder's in the bucket",
        found: "an archive is in the bucket already",
      };
      log.info(messages[outcome], { ...day, bytes: current?.bytes ?? 0, seconds });
    }
  }

  function postpone(next: Waiting, error: unknown): void {
    counts.failures++;
    const message = messageOf(error);
    const failures = next.failures + 1;
    if (error instanceof StoreProblem && error.concernsAll) {
      outage ??= { told: new Set(), message, failures: 0, sinceMs: nowMs(), untilMs: 0 };
      if (!outage.told.has(error.code))
        log.error("cannot upload; it is tried again until it works", { reason: message });
      outage.told.add(error.code);
      outage.message = message;
      outage.untilMs = nowMs() + backoff(outage.failures++, options.retryMs);
      requeue({ ...next, dueMs: 0 });
      return;
    }
    const overtaken = isOvertaken(error);
    if (!overtaken && next.told !== message)
      log.error("cannot upload an archive; it is tried again, the others go on", { ...next.day, reason: message });
    const dueMs = nowMs() + backoff(overtaken ? 0 : failures, options.retryMs);
    requeue({ ...next, dueMs, failures, told: overtaken ? next.told : message });
  }

  function requeue(next: Waiting): void {
    const name = nameOf(next.day);
    waiting.set(name, { ...next, dueMs: Math.min(next.dueMs, waiting.get(name)?.dueMs ?? next.dueMs) });
  }

  function endOutage(): void {
    if (outage === null) return;
    log.info("uploading works again", { after_s: Math.round((nowMs() - outage.sinceMs) / 1000) });
    outage = null;
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
      add(day, 0);
      wake();
    },
    status() {
      const now = nowMs();
      const due = [...waiting.values()].filter(({ dueMs, failures }) => dueMs <= now || failures > 0);
      return {
        target: options.target,
        archives_uploaded: counts.uploaded,
        archives_waiting: due.length + (current === null ? 0 : 1),
        archives_unconfirmed: waiting.size - due.length,
        bytes_sent: counts.bytes,
        failures: counts.failures,
        problem: outage?.message ?? due.find(({ told }) => told !== null)?.told ?? null,
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

function nameOf({ date, stream, symbol }: Day): string {
  return `${date}/${stream}/${symbol}`;
}

/** The oldest of the days that are due, or else the one that is due first. */
function soonest(all: Iterable<Waiting>, nowMs: number): Waiting | null {
  let best: Waiting | null = null;
  for (const one of all) {
    if (best === null || before(one, best, nowMs)) best = one;
  }
  return best;
}

function before(a: Waiting, b: Waiting, nowMs: number): boolean {
  const [aDue, bDue] = [Math.max(a.dueMs, nowMs), Math.max(b.dueMs, nowMs)];
  return aDue === bDue ? nameOf(a.day) < nameOf(b.day) : aDue < bDue;
}

function backoff(failures: number, firstMs = 5_000): number {
  return Math.min(longestRetryMs, firstMs * 2 ** failures) * (0.5 + Math.random() / 2);
}
