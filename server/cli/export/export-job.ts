import { type Cell, type Members, rowShape } from "../../export/column.ts";
import { createCompressedFile } from "../../export/compressed-file.ts";
import { createCsvFile } from "../../export/csv.ts";
import { createGapMarks, type GapMarks } from "../../export/gap-marks.ts";
import { openOutput } from "../../export/output-file.ts";
import { createParquetFile } from "../../export/parquet/parquet-file.ts";
import type { TableFile } from "../../export/table-file.ts";
import { codeOf } from "../../platform/errors.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import { firstFile, type LineStream, type Received } from "../../storage/read/stream-reader.ts";
import type { GapsOf } from "../../storage/recorded-gaps.ts";
import { endOfReading } from "../data/selection.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import { archivesOf, exportArchives } from "./export-archives.ts";
import { exportBacktest } from "./export-backtest.ts";
import type { ExportDeps, ExportJob, ExportResult, ExportSettings, ExportTrack, MarketJob } from "./export-plan.ts";
import { exportTardis } from "./export-tardis.ts";
import { gapsIn, parquetOptions } from "./parquet-options.ts";

/**
 * Writes an output file. Checks all sources before the first row. Damage that is found later (a bad line in an open segment) also leaves
 * the existing file unchanged. Rejects if the file cannot be written or the export is stopped; no partial file remains.
 */
export async function exportOne(job: ExportJob, settings: ExportSettings, deps: ExportDeps): Promise<ExportResult> {
  let isDamaged = false;
  const onDamage = (path: string, problem: string) => {
    // A check that a stop has interrupted does not mean damage.
    if (deps.stop.aborted) return;
    isDamaged = true;
    deps.onDamage(path, problem);
  };
  const isRefused = () => isDamaged && !settings.skipsDamaged;
  if (!settings.skipsDamaged) await checkSources(job, { ...deps, onDamage });
  if (deps.stop.aborted) throw stopped(job);
  if (isRefused()) return { kind: "damaged" };
  if (job.market !== null) return exportMarket(job, job.market, { ...deps, onDamage, isRefused });
  const archives = archivesOf(job, settings);
  if (archives !== null) return exportArchives(job, archives, settings, { ...deps, onDamage });
  const { range } = job;
  const endUs = endOfReading(job.tracks, range);
  const reader = createMergedReader(
    job.tracks.map((track) => rowTrack(track, job, settings, deps.gapsOf)),
    { fromUs: range.fromUs, onDamage, check: deps.check },
  );
  let file: TableFile | null = null;
  let rows = 0;
  let firstUs = 0;
  try {
    for (;;) {
      if (file?.waits()) await file.taken();
      const next = reader.peek();
      if (next === undefined) {
        if (deps.stop.aborted) throw stopped(job);
        if (await reader.fill()) continue;
        break;
      }
      if (next.recvUs >= range.toUs || isRefused()) break;
      if (file === null) {
        file = createFile(job, settings, deps);
        firstUs = next.recvUs;
      }
      next.cells[next.cells.length - 1] = next.marks(next.recvUs);
      file.add(next.cells);
      rows++;
      if (rows % 1000 === 0) deps.onProgress((next.recvUs - firstUs) / (endUs - firstUs));
      reader.skip();
    }
    // Closing the reader reports damage in files that are still open.
    reader.close();
    if (deps.stop.aborted) throw stopped(job);
    if (isRefused()) return { kind: "damaged" };
    return file === null ? { kind: "empty" } : { kind: "written", rows, bytes: await file.finish() };
  } finally {
    reader.close();
    file?.discard();
  }
}

function exportMarket(
  job: ExportJob,
  market: MarketJob,
  deps: ExportDeps & { readonly isRefused: () => boolean },
): Promise<ExportResult> {
  return market.format === "tardis" ? exportTardis(job, market, deps) : exportBacktest(job, market, deps);
}

function stopped({ path }: ExportJob): Error {
  return new Error(`the export was stopped; ${path} was not written`);
}

/** Checks all sources of a job. Ignores files that have been removed meanwhile: the reader finds their lines in the archive. */
async function checkSources({ tracks, range }: ExportJob, { check, onDamage, stop }: ExportDeps): Promise<void> {
  for (const { files } of tracks) {
    for (const { path } of files.slice(firstFile(files, range.fromUs)).filter(({ startUs }) => startUs < range.toUs)) {
      if (stop.aborted) return;
      try {
        const problem = await check(path);
        if (problem !== null) onDamage(path, problem);
      } catch (error) {
        if (codeOf(error) !== "ENOENT" && !stop.aborted) throw error;
      }
    }
  }
}

function createFile(job: ExportJob, settings: ExportSettings, { gapsOf, stop }: ExportDeps): TableFile {
  const { columns } = rowShape(job.type, { levels: settings.levels, symbol: job.withSymbol ? "" : null });
  const output = openOutput(job.path, {
    stop,
    write: (fd, bytes, name) => createStandardOutput(stop, fd, name).write(bytes),
  });
  const file = settings.packing === null ? output : createCompressedFile(output, settings.packing);
  if (settings.format === "csv") return createCsvFile(file, columns);
  return createParquetFile(file, columns, parquetOptions(job, settings, gapsOf));
}

type RowLine = Received & { readonly cells: Cell[]; readonly marks: GapMarks };

function rowTrack(track: ExportTrack, job: ExportJob, settings: ExportSettings, gapsOf: GapsOf): LineStream<RowLine> {
  const { files, stream } = track;
  const shape = rowShape(stream.type, { levels: settings.levels, symbol: job.withSymbol ? stream.symbol : null });
  const marks = createGapMarks(gapsIn(track, job.range, gapsOf), track.startsAfterGap);
  // With --with-symbol the first cell is the symbol; every other text is a decimal.
  const decimalsFrom = job.withSymbol ? 1 : 0;
  return {
    files,
    accepts: ({ cells }) => cells.slice(decimalsFrom).flat().every(isValidCell),
    createParser: () => (text, from, to) => {
      try {
        const members = JSON.parse(text.slice(from, to)) as Members;
        const recvUs = members.recv_us;
        return typeof recvUs === "number" ? { recvUs, cells: shape.row(members), marks } : "damaged";
      } catch {
        return "damaged";
      }
    },
  };
}

function isValidCell(cell: Cell | string): boolean {
  return typeof cell !== "string" || /^\d+(\.\d+)?$/.test(cell);
}
