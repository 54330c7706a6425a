import { dirname, join, resolve } from "node:path";
import type { DayJob, DayResult } from "../../../archive/merge/write-archive.ts";
import { createWorkerPool } from "../../../archive/workers/worker-pool.ts";
import { archiveFolder, type Day, dateStartUs, dayUs, liveFolder, segmentPath } from "../../../domain/day.ts";
import { clipGap } from "../../../domain/gap.ts";
import { encodeLine } from "../../../domain/line.ts";
import { exchangeInfo, type SeriesKey, type Stream, seriesKey, symbolsOf } from "../../../domain/stream.ts";
import { messageOf } from "../../../platform/errors.ts";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "../../../platform/files/files.ts";
import type { Log } from "../../../platform/log/log.ts";
import { version } from "../../../platform/process/version.ts";
import { createTurn } from "../../../platform/time/timers.ts";
import { profileOf } from "../../../simulator/market/symbol-profile.ts";
import { symbolReply } from "../../../simulator/protocol/symbol-info.ts";
import { recvUsOf } from "../../../storage/list/stored-lines.ts";
import type { Manifest } from "../../../storage/manifest.ts";
import { startDayWorker } from "../../../workers.ts";
import { countMinutes, writePastCatalogue } from "./past-catalogue.ts";
import type { PastMarket } from "./past-market.ts";
import { gapsOfStream, type PastPlan } from "./past-plan.ts";
import { removeIfEmpty } from "./unfinished-past.ts";

/** Returns the folder in which days are made. Readers skip the quarantine. */
const workFolder = (dataDir: string) => join(resolve(dataDir), "quarantine", "demo-past");

/** Removes what a killed demo has left half made. */
export function removeUnfinished(dataDir: string): void {
  rmSync(workFolder(dataDir), { recursive: true, force: true });
  removeIfEmpty(dirname(workFolder(dataDir)));
}

/** Longest time on the main thread at once, ms. */
const turnMs = 4;

const dayMs = dayUs / 1000;

/**
 * Writes the part of the past that must be there before the demo starts: today until now, and what only the catalogue knows. Takes some
 * tenths of a second at most. The segments are raw; the recorder's start seals them as it does after any run.
 */
export function writeToday(dataDir: string, plan: PastPlan, market: PastMarket): void {
  const times = new Map<SeriesKey, readonly number[]>();
  const fromMs = Math.max(plan.midnightMs, plan.beginMs);
  const date = new Date(plan.midnightMs).toISOString().slice(0, 10);
  for (const stream of plan.streams) {
    const lines = [...market.lines(stream, fromMs, plan.endMs, gapsOfStream(plan, stream))];
    if (lines.length === 0) continue;
    const segment = { ...dayOf(stream, date), name: "00-00" };
    mkdirSync(liveFolder(dataDir, segment), { recursive: true });
    writeFileSync(segmentPath(dataDir, segment, "open"), lines.join(""));
    times.set(
      seriesKey(stream.type.folder, stream.symbol),
      lines.map((line) => recvUsOf(Buffer.from(line.slice(0, 40)), 0)),
    );
  }
  writePastCatalogue(dataDir, plan, market, countMinutes(plan, times));
}

/**
 * Writes the archives of the days before today that are not there yet, beside the running demo, newest day first. A worker merges each as the recorder does, in
 * the quarantine, which readers skip; then the archive is moved into place. Never rejects.
 */
export function createPastWriter(
  plan: PastPlan,
  market: PastMarket,
  deps: {
    readonly dataDir: string;
    readonly host: string;
    readonly onArchive: (manifest: Manifest) => void;
    readonly onShare: (share: number) => void;
    /** Called once every day is there. */
    readonly onComplete: () => void;
    readonly log: Log;
  },
) {
  const dataDir = resolve(deps.dataDir);
  const workDir = workFolder(dataDir);
  const stopping = new AbortController();
  const pathOf = ({ day }: DayJob) => archiveFolder(dataDir, day);
  const pool = createWorkerPool<DayJob, DayResult>({ operation: "write", size: 1, pathOf }, startDayWorker);
  let running: Promise<void> = Promise.resolve();

  async function writeDay(stream: Stream, date: string): Promise<void> {
    const day = dayOf(stream, date);
    const startMs = dateStartUs(date) / 1000;
    const segment = { ...day, name: "00-00" };
    const turn = createTurn(turnMs);
    const lines: string[] = [];
    for (const line of market.lines(
      stream,
      Math.max(startMs, plan.beginMs),
      startMs + dayMs,
      gapsOfStream(plan, stream),
    )) {
      lines.push(line);
      await turn.giveWay();
      if (stopping.signal.aborted) return;
    }
    mkdirSync(liveFolder(workDir, day), { recursive: true });
    writeFileSync(segmentPath(workDir, segment, "open"), lines.join(""));
    const gaps = plan.gaps
      .filter((gap) => gap.stream === day.stream && gap.symbol === day.symbol)
      .flatMap((gap) => clipGap(gap, startMs * 1000, (startMs + dayMs) * 1000) ?? [])
      .map(({ stream: _stream, symbol: _symbol, ...gap }) => gap);
    // Until the days before are there too, the past begins with this day: otherwise they would be missing for a while.
    const sinceUs = Math.round(Math.max(startMs, plan.beginMs) * 1000);
    const outcome = await pool.run({
      ...{ dataDir: workDir, day, inputs: ["00-00.jsonl"], level: 3, gaps, clockOffsetMs: 0.2 },
      ...{ recorder: { version, host: deps.host }, sinceUs },
    });
    if (outcome.kind === "failed") throw new Error(outcome.failure.message);
    if (outcome.kind === "stopped" || outcome.result.manifest === null) return;
    mkdirSync(dirname(archiveFolder(dataDir, day)), { recursive: true });
    renameSync(archiveFolder(workDir, day), archiveFolder(dataDir, day));
    deps.onArchive(outcome.result.manifest);
  }

  /** Writes the facts about the symbols into the work folder, from which each merge takes those of its day. */
  function writeFacts(): void {
    const date = plan.dates.at(-1);
    if (date === undefined) return;
    for (const symbol of symbolsOf(plan.streams)) {
      const segment = { stream: exchangeInfo.folder, symbol, date, name: "00-00" };
      const entry = JSON.stringify({ ...symbolReply(profileOf(symbol)), permissionSets: [] });
      mkdirSync(liveFolder(workDir, segment), { recursive: true });
      writeFileSync(segmentPath(workDir, segment, "open"), encodeLine(entry, dateStartUs(date), null));
    }
  }

  async function writeAll(): Promise<void> {
    writeFacts();
    const all = plan.dates.length * plan.streams.length;
    let done = 0;
    for (const date of plan.dates) {
      for (const stream of plan.streams) {
        if (stopping.signal.aborted) return;
        // An archive appears whole, by its rename.
        if (!existsSync(archiveFolder(dataDir, dayOf(stream, date)))) await writeDay(stream, date);
        deps.onShare(++done / all);
      }
    }
    if (!stopping.signal.aborted) deps.onComplete();
  }

  return {
    start(): void {
      deps.onShare(0);
      running = writeAll()
        .catch((error) => deps.log.warn("cannot write the invented past", { reason: messageOf(error) }))
        .finally(async () => {
          await pool.stop();
          removeUnfinished(dataDir);
        });
    },
    /** Resolves when nothing is written any more. */
    async stop(): Promise<void> {
      stopping.abort();
      await pool.stop();
      await running;
    },
  };
}

function dayOf({ type, symbol }: Stream, date: string): Day {
  return { stream: type.folder, symbol, date };
}
