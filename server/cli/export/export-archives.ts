import { archivePath, dayOfPath } from "../../domain/day.ts";
import { rowShape } from "../../export/column.ts";
import { createGapMarks } from "../../export/gap-marks.ts";
import { createRowReader } from "../../export/lines/row-reader.ts";
import { openOutput } from "../../export/output-file.ts";
import { createParquetFile } from "../../export/parquet/parquet-file.ts";
import { FileError } from "../../platform/errors.ts";
import { existsSync, statSync } from "../../platform/files/files.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";
import { firstFile } from "../../storage/read/stream-reader.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import type { ExportDeps, ExportJob, ExportResult, ExportSettings, ExportTrack } from "./export-plan.ts";
import { gapsIn, parquetOptions } from "./parquet-options.ts";

/** A stream whose rows of the range are all in archives. */
type ArchivedRows = { readonly track: ExportTrack; readonly paths: readonly string[] };

/**
 * Returns the archives of a job that reads archives only: one stream and symbol, whole archives one after the other. Null for any
 * other job, whose lines must be merged.
 */
export function archivesOf(job: ExportJob, { format, numbers }: ExportSettings): ArchivedRows | null {
  const [track] = job.tracks;
  if (track === undefined || job.tracks.length > 1 || job.withSymbol) return null;
  if (format !== "parquet" || numbers === "text") return null;
  const { range, dataDir } = job;
  const files = track.files.slice(firstFile(track.files, range.fromUs)).filter(({ startUs }) => startUs < range.toUs);
  const isArchive = (path: string) => {
    const day = dayOfPath(path);
    return day !== null && path === archivePath(dataDir, day) && existsSync(path);
  };
  return files.every(({ path }) => isArchive(path)) ? { track, paths: files.map(({ path }) => path) } : null;
}

/** Writes a file from archives, whose bytes become columns directly. Otherwise like `exportOne`. */
export async function exportArchives(
  job: ExportJob,
  { track, paths }: ArchivedRows,
  settings: ExportSettings,
  deps: ExportDeps,
): Promise<ExportResult> {
  const { stop } = deps;
  const { levels, skipsDamaged } = settings;
  const options = parquetOptions(job, settings, deps.gapsOf);
  const { columns } = rowShape(job.type, { levels, symbol: null });
  const output = openOutput(job.path, {
    stop,
    write: (fd, bytes, name) => createStandardOutput(stop, fd, name).write(bytes),
  });
  const file = createParquetFile(output, columns, options);
  const marks = createGapMarks(gapsIn(track, job.range, deps.gapsOf), track.startsAfterGap);
  const totalBytes = paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  let damagedLines = 0;
  let isDamaged = false;
  const onDamaged = () => void damagedLines++;
  const reader = createRowReader(file, job.type, track.stream.symbol, { levels, range: job.range, marks, onDamaged });
  let bytesRead = 0;

  function damaged(path: string, problem: string): void {
    isDamaged = true;
    deps.onDamage(path, problem);
  }

  async function readArchive(path: string): Promise<void> {
    const lines = openLinesSync(path, (bytes) => {
      bytesRead += bytes.length;
    });
    try {
      while (lines.fill()) {
        reader.read(lines);
        deps.onProgress(bytesRead / totalBytes);
        if (file.waits()) await file.taken();
        await nextTurn();
        if (stop.aborted) throw new Error(`the export was stopped; ${job.path} was not written`);
      }
    } finally {
      lines.close();
    }
  }

  try {
    for (const path of paths) {
      const problem = await deps.check(path);
      if (problem !== null) damaged(path, problem);
      else {
        damagedLines = 0;
        try {
          await readArchive(path);
        } catch (error) {
          if (!(error instanceof FileError)) throw error;
          damaged(path, reasonOf(error));
        }
        const counted = damagedLines === 1 ? "1 line is damaged" : `${damagedLines} lines are damaged`;
        if (damagedLines > 0) damaged(path, `${counted} and left out`);
      }
      if (isDamaged && !skipsDamaged) return { kind: "damaged" };
    }
    const rows = reader.rows();
    return rows === 0 ? { kind: "empty" } : { kind: "written", rows, bytes: await file.finish() };
  } finally {
    file.discard();
  }
}
