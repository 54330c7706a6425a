import { createWorkerPool } from "../../archive/workers/worker-pool.ts";
import type { Config } from "../../config/config.ts";
import { archivePath, type Day, dateOf, dateStartUs, dayUs, nameOfDay, type Segment } from "../../domain/day.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Comparison, OfficialCheck } from "../../official/check-day.ts";
import { officialKind } from "../../official/official-file.ts";
import { messageOf } from "../../platform/errors.ts";
import { createBandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import type { Log } from "../../platform/log/log.ts";
import type { ConfirmedTime } from "../../platform/time/confirmed-time.ts";
import { archiveDates, archivedStreams, datesOnDisk } from "../../storage/list/listing.ts";
import { type ManifestOfficial, readManifest } from "../../storage/manifest.ts";
import { startOfficialWorker } from "../../workers.ts";
import { gapsInManifest } from "../gaps/gap-handling.ts";
import { createOfficialGaps } from "./official-gaps.ts";
import type { OfficialJob, OfficialResult } from "./official-job.ts";

/** Compares archived days with Binance's daily files, backfills missing trades, and puts the result into the manifest. */
export type OfficialChecks = {
  /** Call it every second; looks for days once an hour. */
  tick(): void;
  /** The result that the next manifest of a day has to hold; undefined if there is no new result. */
  officialOf(day: Day): ManifestOfficial | undefined;
  /** Forgets the result of a day whose manifest was written: it holds the result, or the archive has other rows. */
  onArchived(day: Day): void;
  /** Free space for downloads and backfilled segments, bytes. */
  setRoom(bytes: number): void;
  /** Ends the worker; a comparison that was cut off is repeated after the next start. Idempotent. */
  stop(): Promise<void>;
};

export type OfficialChecksDeps = {
  readonly dataDir: string;
  readonly journal: Pick<Journal, "gapsOfStream" | "saveGaps" | "addBackfilled" | "backfills">;
  /** Days are compared only by a confirmed time. */
  readonly time: () => ConfirmedTime;
  /** Merges a past day again, which updates its manifest. */
  readonly merge: (day: Day) => void;
  /** Receives each segment of backfilled trades. */
  readonly onClosed: (segment: Segment) => void;
  readonly log: Log;
  /** For tests: compares without a worker, and looks more often. */
  readonly run?: (job: OfficialJob) => Promise<OfficialResult | null>;
  readonly pace?: { readonly lookMs?: number; readonly againMs?: number };
};

/** Pauses before a day is looked at again, ms: its file is not there yet; its trades are being merged. */
const pauses = { absent: 6 * 3_600_000, merging: 600_000 } as const;
const lookMs = 3_600_000;

/** Room that a comparison needs, bytes: the largest file and the trades of a day in it. */
const neededBytes = 4e9;

/** Creates the checks; without `official.check` they are idle. */
export function createOfficialChecks(config: Config, deps: OfficialChecksDeps): OfficialChecks {
  if (!config.official.check) return idle;
  const { dataDir, journal, log } = deps;
  const limit = createBandwidthLimit(config.official.bandwidth_mbps);
  const pool = createWorkerPool<OfficialJob, OfficialResult | null>(
    { operation: "compare", size: 1, pathOf: ({ day }) => archivePath(dataDir, day), maySend: limit.acquire },
    startOfficialWorker,
  );
  const gaps = createOfficialGaps(journal, (day) => gapsInManifest(dataDir, day));
  const results = new Map<string, ManifestOfficial>();
  /** By name of the day: when it may be looked at again, ms of `performance.now()`. */
  const notBefore = new Map<string, number>();
  const again = (day: Day, pauseMs: number) =>
    notBefore.set(nameOfDay(day), performance.now() + (deps.pace?.againMs ?? pauseMs));
  let [room, nextLookMs]: [number, number] = [Number.POSITIVE_INFINITY, 0];
  let looking: Promise<void> | null = null;
  let stopped = false;

  async function run(job: OfficialJob): Promise<OfficialResult | null> {
    if (deps.run !== undefined) return deps.run(job);
    const outcome = await pool.run(job);
    if (outcome.kind === "done") return outcome.result;
    if (outcome.kind === "stopped") return null;
    throw new Error(outcome.failure.message);
  }

  async function look(): Promise<void> {
    for await (const series of archivedStreams(dataDir)) {
      if (officialKind(series.stream) === null) continue;
      for (const day of (await dueDays(series)).reverse()) {
        if (stopped || room < neededBytes) return;
        if (resultOf(day) !== undefined || (notBefore.get(nameOfDay(day)) ?? 0) > performance.now()) continue;
        // The exchange is still being asked for trades of this stream.
        if (journal.backfills.all().some(({ stream, symbol }) => stream === day.stream && symbol === day.symbol)) break;
        await compare(day);
      }
    }
  }

  /** Lists the days of a stream that are long enough over, from the first to the last archived day, oldest first. */
  async function dueDays(series: Pick<Day, "stream" | "symbol">): Promise<Day[]> {
    const time = deps.time();
    if (time.kind === "unconfirmed") return [];
    const dates = await archiveDates(dataDir, series);
    const [first, last] = [dates[0], dates.at(-1)];
    if (first === undefined || last === undefined) return [];
    const latestUs = time.us - dayUs - config.official.after_hours * 3600e6;
    const earliestUs = Math.max(dateStartUs(first), dateStartUs(dateOf(time.us)) - config.official.days * dayUs);
    const days: Day[] = [];
    for (let us = earliestUs; us <= Math.min(latestUs, dateStartUs(last)); us += dayUs)
      days.push({ ...series, date: dateOf(us) });
    return days;
  }

  /** Returns the result for a day; "unknown" for a damaged manifest, which the merge and `verify` report. */
  function resultOf(day: Day): ManifestOfficial | undefined | "unknown" {
    try {
      return results.get(nameOfDay(day)) ?? readManifest(dataDir, day)?.official;
    } catch {
      return "unknown";
    }
  }

  function isProved(day: Day): boolean {
    const result = resultOf(day);
    return result !== undefined && result !== "unknown" && result.missing + result.differing === 0;
  }

  async function compare(day: Day): Promise<void> {
    const dates = datesOnDisk(dataDir, day);
    const open = gaps.openOn(day);
    try {
      const result = await run({
        ...{ dataDir, day, baseUrl: config.official.url, segmentMinutes: config.record.segment_minutes },
        ...{ isFirst: dates[0] === day.date, isLast: dates.at(-1) === day.date },
        gaps: open.map(({ from_us: fromUs, to_us: toUs }) => ({ fromUs, toUs })),
      });
      if (result === null || stopped) return;
      gaps.count(open, result.backfilledIn);
      for (const segment of result.segments) deps.onClosed(segment);
      if (result.check.kind !== "compared") return postpone(day, result.check);
      if (result.backfilled === 0) return settle(day, result.check);
      log.info("backfilled trades from Binance's daily file", { ...day, trades: result.backfilled });
      again(day, pauses.merging);
    } catch (error) {
      log.warn("cannot compare a day with Binance's file; trying again later", { ...day, reason: messageOf(error) });
      again(day, pauses.absent);
    }
  }

  function postpone(day: Day, check: Exclude<OfficialCheck, { kind: "compared" }>): void {
    again(day, pauses.absent);
    const reason = check.kind === "failed" ? check.reason : "not published yet";
    log[check.kind === "failed" ? "warn" : "info"]("not compared with Binance's daily file", { ...day, reason });
  }

  function settle(day: Day, { sha256, rows, missing, differing, beyond }: Comparison): void {
    const counts = { rows, missing: missing.count, differing: differing.count, beyond: beyond.count };
    const isEqual = missing.count + differing.count === 0;
    if (isEqual) gaps.close(day, isProved);
    log[isEqual ? "info" : "warn"](
      isEqual
        ? "Binance's daily file proves a day"
        : "a day differs from Binance's daily file; `rt-data verify --official` lists ids",
      { ...day, ...counts },
    );
    const time = deps.time();
    results.set(nameOfDay(day), { sha256, ...counts, ...(time.kind === "confirmed" && { checked_us: time.us }) });
    again(day, pauses.merging);
    deps.merge(day);
  }

  return {
    tick() {
      if (looking !== null || stopped || performance.now() < nextLookMs || deps.time().kind === "unconfirmed") return;
      nextLookMs = performance.now() + (deps.pace?.lookMs ?? lookMs);
      looking = look()
        .catch((error) => log.warn("cannot look for days to compare", { reason: messageOf(error) }))
        .finally(() => {
          looking = null;
        });
    },
    officialOf: (day) => results.get(nameOfDay(day)),
    onArchived: (day) => void results.delete(nameOfDay(day)),
    setRoom(bytes) {
      room = bytes;
    },
    async stop() {
      stopped = true;
      await pool.stop();
      await looking;
    },
  };
}

const idle: OfficialChecks = {
  tick() {},
  officialOf: () => undefined,
  onArchived() {},
  setRoom() {},
  stop: async () => {},
};
