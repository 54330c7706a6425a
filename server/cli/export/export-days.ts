import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { createWorkerPool } from "../../archive/workers/worker-pool.ts";
import { dateStartUs, dayBefore } from "../../domain/day.ts";
import { removeFolders } from "../../export/draft-file.ts";
import { OperatorError } from "../../platform/errors.ts";
import { mkdirSync } from "../../platform/files/files.ts";
import { dayEndsInGap } from "../../storage/day-end.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import { startExportWorker } from "../../workers.ts";
import { exportOne } from "./export-job.ts";
import type { ExportDeps, ExportJob, ExportResult, ExportSettings, ExportTrack } from "./export-plan.ts";

/** A job for a worker. `at`: its place on the board. */
export type DayOrder = {
  readonly job: ExportJob;
  readonly settings: ExportSettings;
  readonly board: SharedArrayBuffer;
  readonly at: number;
};

/** What a worker reports of a job. Damage is reported at the end, so that it is printed in the order of the days. */
export type DayReport = {
  readonly damages: readonly (readonly [path: string, problem: string])[];
  readonly outcome:
    | ExportResult
    | { readonly kind: "failed"; readonly message: string; readonly isForOperator: boolean };
};

export type DaysDeps = Omit<ExportDeps, "onProgress"> & {
  /** Called with the share of all jobs that is done, and a file that is being written. */
  readonly onProgress: (share: number, path: string) => void;
};

type DayResult = { readonly job: ExportJob; readonly result: ExportResult };

/** Parts of a whole in which workers count their progress. */
const parts = 1_000_000;
const progressEveryMs = 100;
/** Most memory that the export of a day takes, bytes. */
const dayBytes = 300e6;

/**
 * Memory that all threads share: whether they must stop, and the progress of each job. A message would do neither: a worker that exports
 * takes its next message as the next job.
 */
export function boardOf(memory: SharedArrayBuffer) {
  const cells = new Int32Array(memory);
  return {
    stop: () => void Atomics.store(cells, 0, 1),
    isStopped: () => Atomics.load(cells, 0) === 1,
    setShare: (at: number, share: number) => void Atomics.store(cells, at + 1, Math.round(share * parts)),
    /** Sum of the shares of all jobs. */
    done: () => cells.subarray(1).reduce((sum, share) => sum + share, 0) / parts,
  };
}

/** Returns how many threads export these files: one per core and file at most, and no more than fit into half of the available memory. */
export function workersFor(files: number): number {
  const thatFit = Math.floor(process.availableMemory() / 2 / dayBytes);
  return Math.max(1, Math.min(files, availableParallelism(), thatFit));
}

/** Writes the files of all jobs on the calling thread, one after the other. Rejects at the first file that cannot be written. */
export async function* exportInTurn(
  jobs: readonly ExportJob[],
  settings: ExportSettings,
  deps: DaysDeps,
): AsyncGenerator<DayResult> {
  for (const [at, job] of jobs.entries()) {
    const onProgress = (share: number) => deps.onProgress((at + share) / jobs.length, job.path);
    yield { job, result: await exportOne(withGaps(job, deps), settings, { ...deps, onProgress }) };
  }
}

/**
 * Writes the files of all jobs in `workers` threads of low priority. Damage and results come in the order of the jobs, as from
 * `exportInTurn`. If a job fails or `stop` fires, the running jobs remove their partial files before it rejects.
 */
export async function* exportInThreads(
  jobs: readonly ExportJob[],
  settings: ExportSettings,
  deps: DaysDeps & { readonly workers: number },
): AsyncGenerator<DayResult> {
  const memory = new SharedArrayBuffer(4 * (jobs.length + 1));
  const board = boardOf(memory);
  const pool = createWorkerPool<DayOrder, DayReport>(
    { operation: "export", size: deps.workers, pathOf: ({ job }) => job.path },
    startExportWorker,
  );
  // Threads that create and remove folders would get into each other's way.
  const folders = jobs.map(({ path }) => createFolder(dirname(path)));
  let path = jobs[0]?.path ?? "";
  const timer = setInterval(() => deps.onProgress(board.done() / jobs.length, path), progressEveryMs);
  deps.stop.addEventListener("abort", board.stop);
  if (deps.stop.aborted) board.stop();
  const running = jobs.map((job, at) => pool.run({ job: withGaps(job, deps), settings, board: memory, at }));
  try {
    for (const [at, job] of jobs.entries()) {
      path = job.path;
      const outcome = await running[at];
      if (outcome?.kind !== "done") throw new Error(`cannot write ${path}: ${problemOf(outcome)}`);
      const { damages, outcome: result } = outcome.result;
      for (const [source, problem] of damages) deps.onDamage(source, problem);
      if (result.kind === "failed") throw new (result.isForOperator ? OperatorError : Error)(result.message);
      yield { job, result };
    }
  } finally {
    board.stop();
    await Promise.all(running);
    deps.stop.removeEventListener("abort", board.stop);
    clearInterval(timer);
    await pool.stop();
    for (const { folder, made } of folders.reverse()) removeFolders(folder, made);
  }
}

function problemOf(outcome: Awaited<ReturnType<ReturnType<typeof createWorkerPool>["run"]>> | undefined): string {
  return outcome?.kind === "failed" ? outcome.failure.message : "the export was stopped";
}

/**
 * Adds to a job the gaps of days without a manifest, and whether the day before ends in a gap. Only one thread reads the recorder's gap
 * lists.
 */
function withGaps(job: ExportJob, { gapsOf }: Pick<ExportDeps, "gapsOf">): ExportJob {
  const tracks = job.tracks.map((track) => ({
    ...track,
    days: track.days.map((day) => ({ ...day, gaps: day.gaps ?? gapsOf(day) })),
    startsAfterGap: startsAfterGap(job, track, gapsOf),
  }));
  return { ...job, tracks };
}

/** Tests whether the rows before a file's first day end with absent records. If the file begins later in a day, its gaps tell. */
function startsAfterGap({ dataDir, range }: ExportJob, { days: [day] }: ExportTrack, gapsOf: GapsOf): boolean {
  return day !== undefined && dateStartUs(day.date) >= range.fromUs && dayEndsInGap(dataDir, dayBefore(day), gapsOf);
}

/** Creates a folder. `made`: the first folder that did not exist, or null. The export of a file reports failures. */
function createFolder(folder: string): { folder: string; made: string | null } {
  try {
    return { folder, made: mkdirSync(folder, { recursive: true }) ?? null };
  } catch {
    return { folder, made: null };
  }
}
