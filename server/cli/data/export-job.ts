import { type Cell, type Members, rowShape } from "../../export/column.ts";
import { createCompressedFile } from "../../export/compressed-file.ts";
import { createCsvFile } from "../../export/csv.ts";
import { openOutput } from "../../export/output-file.ts";
import { createParquetFile } from "../../export/parquet/parquet-file.ts";
import type { TableFile } from "../../export/table-file.ts";
import { codeOf } from "../../platform/errors.ts";
import { version } from "../../platform/process/version.ts";
import type { RecordedStream } from "../../storage/list/listing.ts";
import { createMergedReader } from "../../storage/read/merged-reader.ts";
import type { SourceCheck } from "../../storage/read/source-check.ts";
import { firstFile, type LineStream, type Received } from "../../storage/read/stream-reader.ts";
import { createStandardOutput } from "../terminal/standard-output.ts";
import type { ExportJob, ExportSettings } from "./export-plan.ts";
import { endOfReading } from "./selection.ts";

/** The result for a file. "damaged": a source is damaged, so the file was not written. */
export type ExportResult =
  | { readonly kind: "written"; readonly rows: number; readonly bytes: number }
  | { readonly kind: "empty" }
  | { readonly kind: "damaged" };

export type ExportDeps = {
  readonly check: SourceCheck;
  /** Called for each source that cannot be read completely. */
  readonly onDamage: (path: string, problem: string) => void;
  readonly onProgress: (share: number) => void;
  readonly stop: AbortSignal;
};

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
  const { range } = job;
  const endUs = endOfReading(job.tracks, range);
  const reader = createMergedReader(
    job.tracks.map((track) => rowTrack(track, job, settings)),
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
        file = createFile(job, settings, deps.stop);
        firstUs = next.recvUs;
      }
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

function createFile({ path, type, withSymbol }: ExportJob, settings: ExportSettings, stop: AbortSignal): TableFile {
  const { columns } = rowShape(type, { levels: settings.levels, symbol: withSymbol ? "" : null });
  const output = openOutput(path, {
    stop,
    write: (fd, bytes, name) => createStandardOutput(stop, fd, name).write(bytes),
  });
  const file = settings.packing === null ? output : createCompressedFile(output, settings.packing);
  if (settings.format === "csv") return createCsvFile(file, columns);
  const { numbers, compression } = settings;
  return createParquetFile(file, columns, { numbers, compression, createdBy: `rt-data version ${version}` });
}

type RowLine = Received & { readonly cells: readonly Cell[] };

function rowTrack({ files, stream }: RecordedStream, job: ExportJob, settings: ExportSettings): LineStream<RowLine> {
  const shape = rowShape(stream.type, { levels: settings.levels, symbol: job.withSymbol ? stream.symbol : null });
  // With --with-symbol the first cell is the symbol; every other text is a decimal.
  const decimalsFrom = job.withSymbol ? 1 : 0;
  return {
    files,
    accepts: ({ cells }) => cells.slice(decimalsFrom).flat().every(isValidCell),
    createParser: () => (text, from, to) => {
      try {
        const members = JSON.parse(text.slice(from, to)) as Members;
        const recvUs = members.recv_us;
        return typeof recvUs === "number" ? { recvUs, cells: shape.row(members) } : "damaged";
      } catch {
        return "damaged";
      }
    },
  };
}

function isValidCell(cell: Cell | string): boolean {
  return typeof cell !== "string" || /^\d+(\.\d+)?$/.test(cell);
}
