import { type Day, nameOfDay } from "../domain/day.ts";
import type { DatasetStatus } from "../domain/storage-status.ts";
import { codeOf, messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { createNap } from "../platform/time/timers.ts";
import type { DatasetJob, DatasetResult, DatasetSite } from "./dataset-jobs.ts";
import { hasTable } from "./dataset-paths.ts";
import { createDayList, type WaitingDay } from "./day-list.ts";
import { refuseWithoutRoom } from "./write-day.ts";

/** Keeps the dataset in step with the archives, in the background. */
export type DatasetWriter = {
  /** Finds missing days and starts; returns at once. */
  start(): void;
  /** Call it for a day that was archived, or whose manifest changed. */
  onArchived(day: Day): void;
  /** Call it for a day that the bucket has now. */
  onUploaded(day: Day): void;
  /** Sets how many bytes the dataset may take on the disk. */
  setRoom(bytes: number): void;
  status(): DatasetStatus;
  /** Resolves when all work has ended. Idempotent. */
  stop(): Promise<void>;
};

export type DatasetWriterOptions = {
  readonly dataDir: string;
  /** The bucket and its host, for people; null: the dataset stays on this disk. */
  readonly bucket: string | null;
  readonly keepHours: number;
  /** Pause after a failure, ms. */
  readonly retryMs?: number;
  /** Time between the merge of a day and its writing, ms: soon after the merge its gaps may change. */
  readonly settleMs?: number;
  /** Time between two sweeps, ms. */
  readonly sweepMs?: number;
};

export type DatasetWriterDeps = {
  /** Does a job in a worker. @throws the job's error; an error with the code `Stopped` after a stop */
  readonly run: (job: DatasetJob) => Promise<DatasetResult>;
  /** The only time by which days leave the dataset and files are removed. */
  readonly time: () => ConfirmedTime;
  /** Oldest date that the tables of a site keep; null: every date. Undefined while that is unknown: the site's work waits then. */
  readonly keepFrom: (site: DatasetSite) => string | null | undefined;
  /** Days that the bucket may lack, asked once at the start. */
  readonly uploaded: () => AsyncIterable<Day>;
  readonly log: Log;
  /** ms; steady. */
  readonly nowMs?: () => number;
};

/** Days whose facts are written in one commit. */
const mostFactDays = 200;
const mostProblems = 50;
/** How often it is asked whether the time is confirmed by now, ms. */
const askAgainMs = 10_000;

/** Creates the writer. Recording and merging never wait for it, and a day that fails does not hold up other days. */
export function createDatasetWriter(options: DatasetWriterOptions, deps: DatasetWriterDeps): DatasetWriter {
  const { dataDir, bucket, retryMs = 60_000, settleMs = 30_000, sweepMs = 3_600_000 } = options;
  const { log, nowMs = () => performance.now() } = deps;
  const sites: readonly DatasetSite[] = bucket === null ? ["disk"] : ["disk", "bucket"];
  const days = { disk: createDayList(retryMs), bucket: createDayList(retryMs) };
  /** Days whose facts are not written yet, by name. */
  const facts = { disk: new Map<string, Day>(), bucket: new Map<string, Day>() };
  const counts = { written: 0, uploaded: 0, rows: 0, bytes: 0, failures: 0 };
  const nap = createNap();
  let room = Number.POSITIVE_INFINITY;
  /** Problems of work that is not one day's, by operation. */
  const problems = new Map<string, string>();
  let lookMs = 0;
  let nextSweepMs = 0;
  /** Until when the work of a site pauses after a failure, ms. */
  const heldMs = { disk: 0, bucket: 0 };
  let running: Promise<void> | null = null;
  let isStopped = false;
  let isBusy = false;

  async function run(): Promise<void> {
    while (!isStopped) {
      const work = nextWork();
      if (work === null) {
        const waits = sites.map((site) => Math.max(heldMs[site], facts[site].size > 0 ? 0 : days[site].nextMs()));
        const nextMs = Math.min(...waits, Math.max(heldMs.disk, Math.min(lookMs, nextSweepMs)));
        // Whether the time is confirmed can only be asked again.
        const isKnown = sites.every((site) => deps.keepFrom(site) !== undefined);
        await nap.sleep(Math.max(10, isKnown ? nextMs - nowMs() : Math.min(askAgainMs, retryMs)));
        continue;
      }
      isBusy = true;
      await work();
      isBusy = false;
    }
  }

  function nextWork(): (() => Promise<void>) | null {
    const now = nowMs();
    const free = sites.filter((site) => heldMs[site] <= now && deps.keepFrom(site) !== undefined);
    if (lookMs <= now && free.includes("disk")) return look;
    for (const site of free) {
      if (facts[site].size >= mostFactDays) return () => writeFacts(site);
      const waiting = days[site].take(now);
      if (waiting !== null) return () => writeDay(site, waiting);
    }
    for (const site of free) if (facts[site].size > 0) return () => writeFacts(site);
    return nextSweepMs <= now && free.includes("disk") ? sweep : null;
  }

  async function look(): Promise<void> {
    const isDone = await attempt("disk", "compare the dataset with the archives", async () => {
      const result = await deps.run({ kind: "look", keepFrom: deps.keepFrom("disk") ?? null });
      if (result.kind !== "look") return;
      for (const day of result.due.days) days.disk.add(day, 0);
      for (const day of result.due.facts) facts.disk.set(nameOfDay(day), day);
      if (bucket !== null) for await (const day of deps.uploaded()) if (hasTable(day)) days.bucket.add(day, 0);
      if (result.due.days.length > 0) log.info("days to write to the dataset", { days: result.due.days.length });
    });
    lookMs = isDone ? Number.POSITIVE_INFINITY : nowMs() + retryMs;
  }

  async function writeDay(site: DatasetSite, waiting: WaitingDay): Promise<void> {
    const { day } = waiting;
    if (day.date < (deps.keepFrom(site) ?? day.date)) return;
    try {
      if (site === "disk") refuseWithoutRoom(dataDir, day, room);
      const startedMs = nowMs();
      const result = await deps.run({ kind: "day", site, day });
      if (result.kind !== "day") return;
      const { done } = result;
      if (done.kind === "waits") days[site].add(day, nowMs() + retryMs);
      if (done.kind === "written" || done.kind === "current") facts[site].set(nameOfDay(day), day);
      if (done.kind !== "written") return;
      counts[site === "disk" ? "written" : "uploaded"]++;
      if (site === "disk") [counts.rows, counts.bytes] = [counts.rows + done.rows, counts.bytes + done.bytes];
      const seconds = Math.round((nowMs() - startedMs) / 100) / 10;
      const message = site === "disk" ? "wrote a day to the dataset" : "added a day to the dataset in the bucket";
      log.info(message, { ...day, rows: done.rows, bytes: done.bytes, seconds });
    } catch (error) {
      if (isStopped) return;
      counts.failures++;
      const reason = messageOf(error);
      if (days[site].putBack(waiting, reason, nowMs()))
        log.error("cannot write a day to the dataset; the archive is unchanged, and it is tried again", {
          ...{ ...day, site, reason },
        });
      // A disk that is full, or a bucket that cannot be reached, is the same for the next day.
      if (codeOf(error) !== null) heldMs[site] = nowMs() + retryMs;
    }
  }

  async function writeFacts(site: DatasetSite): Promise<void> {
    const batch = [...facts[site]].slice(0, mostFactDays);
    for (const [name] of batch) facts[site].delete(name);
    const isDone = await attempt(site, "write the tables coverage and gaps", async () => {
      await deps.run({ kind: "facts", site, days: batch.map(([, day]) => day) });
    });
    if (!isDone) for (const [name, day] of batch) if (!facts[site].has(name)) facts[site].set(name, day);
  }

  async function sweep(): Promise<void> {
    nextSweepMs = nowMs() + sweepMs;
    const time = deps.time();
    for (const site of sites) {
      await attempt(site, "remove replaced files of the dataset", async () => {
        const { keepHours } = options;
        const keepFrom = deps.keepFrom(site) ?? null;
        const job = { kind: "sweep", site, keepFrom, keepHours, time } as const;
        const result = await deps.run(job);
        if (result.kind !== "sweep" || result.expired + result.removed === 0) return;
        const { expired, removed } = result;
        log.info("removed old files of the dataset", {
          site,
          days_expired: expired,
          files_removed: removed,
          before: keepFrom,
        });
      });
    }
  }

  /** Does work that is not one day's. Logs a failure once, and holds the site's work for a while. */
  async function attempt(site: DatasetSite, operation: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      problems.delete(`${site} ${operation}`);
      return true;
    } catch (error) {
      if (isStopped) return false;
      counts.failures++;
      const message = `cannot ${operation}: ${messageOf(error)}`;
      if (problems.get(`${site} ${operation}`) !== message)
        log.error("the dataset waits; trying again", { site, reason: message });
      problems.set(`${site} ${operation}`, message);
      heldMs[site] = nowMs() + retryMs;
      return false;
    }
  }

  return {
    start() {
      running ??= run();
    },
    onArchived({ stream, symbol, date }) {
      if (!hasTable({ stream })) return;
      days.disk.add({ stream, symbol, date }, nowMs() + settleMs);
      nap.wake();
    },
    onUploaded({ stream, symbol, date }) {
      if (bucket === null || !hasTable({ stream })) return;
      days.bucket.add({ stream, symbol, date }, nowMs());
      nap.wake();
    },
    setRoom(bytes) {
      room = bytes;
    },
    status() {
      const failed = sites.flatMap((site) => days[site].failed());
      const waiting = days.disk.size() + (isBusy ? 1 : 0);
      return {
        bucket,
        days_written: counts.written,
        days_waiting: waiting,
        days_uploaded: counts.uploaded,
        uploads_waiting: bucket === null ? 0 : days.bucket.size(),
        rows_written: counts.rows,
        bytes_written: counts.bytes,
        failures: counts.failures,
        problem: [...problems.values()][0] ?? null,
        days: failed
          .slice(0, mostProblems)
          .map(({ day, problem }) => ({ subject: nameOfDay(day), problem: problem ?? "" })),
      };
    },
    async stop() {
      isStopped = true;
      nap.wake();
      await running;
    },
  };
}
