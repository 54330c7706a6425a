import { streamTypeOfFolder } from "../../domain/stream.ts";
import { FileError } from "../../platform/errors.ts";
import { version } from "../../platform/process/version.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";
import { rowShape } from "../column.ts";
import { createDraftFile } from "../draft-file.ts";
import { fileFacts } from "../file-facts.ts";
import { createGapMarks, type MarkedGap } from "../gap-marks.ts";
import { createRowReader } from "../lines/row-reader.ts";
import type { Compression, NumberForm, OutputFile } from "../table-file.ts";
import { tickSizesOf } from "../ticks.ts";
import { createParquetFile, type WrittenColumn } from "./parquet-file.ts";

/** A merged day: its archive, the manifest that vouches for it, and its gaps as they are known now. */
export type ArchiveSource = {
  readonly path: string;
  readonly manifest: Manifest;
  readonly gaps: readonly MarkedGap[];
  /** True if the day before ends in a gap: the first row is then the first after that gap. */
  readonly startsAfterGap: boolean;
};

export type ArchiveParquetOptions = {
  readonly numbers: NumberForm;
  readonly levels: "columns" | "list";
  readonly compression: Compression;
  readonly stop: AbortSignal;
  /** Called now and then with the share of the archive's bytes that were read. */
  readonly onProgress?: (share: number) => void;
};

/** A complete Parquet file. */
export type WrittenParquet = {
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file, hex. */
  readonly sha256: string;
  /** All columns, in their order in the file. */
  readonly columns: readonly WrittenColumn[];
};

/**
 * Writes an archived day to a Parquet file, which becomes visible when it is complete. Columns: as in `rt-data export`. The archive is
 * compared with its manifest (SHA-256, rows) while it is read, so it is read only once. Other work of the thread gets a turn after each
 * piece of the archive.
 *
 * @throws FileError if the archive cannot be read or is not what its manifest says; OperatorError if a number does not fit; other errors if
 *   the target cannot be written, or `stop` fires. No partial file remains.
 */
export async function writeArchiveAsParquet(
  source: ArchiveSource,
  target: string,
  options: ArchiveParquetOptions,
): Promise<WrittenParquet> {
  const { path, manifest } = source;
  const type = streamTypeOfFolder(manifest.stream);
  if (type === null) throw new FileError("export", path, `this version does not know the stream ${manifest.stream}`);
  const { levels, numbers, compression, stop } = options;
  const { instrument = null } = manifest;
  const { tick_size: tickSize = null, step_size: stepSize = null } = instrument ?? {};
  const ticks = numbers === "ticks" ? tickSizesOf(instrument, manifest.symbol, manifest.date) : null;
  const hash = new Bun.CryptoHasher("sha256");
  let bytesRead = 0;
  const lines = openLinesSync(path, (bytes) => {
    hash.update(bytes);
    bytesRead += bytes.length;
  });
  const output = createHashedFile(createDraftFile(target));
  const file = createParquetFile(output, rowShape(type, { levels, symbol: null }).columns, {
    ...{ numbers, compression, ticks },
    createdBy: `rt-data version ${version}`,
    metadata: fileFacts({ ...manifest, gaps: source.gaps, tickSize, stepSize, manifest }),
  });
  const reader = createRowReader(file, type, manifest.symbol, {
    ...{ levels, marks: createGapMarks(source.gaps, source.startsAfterGap) },
    range: { fromUs: Number.NEGATIVE_INFINITY, toUs: Number.POSITIVE_INFINITY },
    onDamaged(line, problem) {
      throw new FileError("export", path, `a line cannot be exported (${problem}): ${line.slice(0, 200)}`);
    },
  });
  try {
    while (lines.fill()) {
      reader.read(lines);
      options.onProgress?.(bytesRead / manifest.compressed_bytes);
      await nextTurn();
      if (stop.aborted) throw new Error(`the export was stopped; ${target} was not written`);
    }
    if (hash.digest("hex") !== manifest.compressed_sha256 || reader.rows() !== manifest.rows)
      throw new FileError("export", path, "it is not what its manifest says. Run `rt-data verify`");
    const bytes = await file.finish();
    return { rows: reader.rows(), bytes, sha256: output.sha256(), columns: file.columns() };
  } finally {
    lines.close();
    file.discard();
  }
}

/** Computes the SHA-256 of a file while it is written. */
function createHashedFile(file: OutputFile): OutputFile & { sha256(): string } {
  const hash = new Bun.CryptoHasher("sha256");
  return {
    ...file,
    write(bytes) {
      hash.update(bytes);
      file.write(bytes);
    },
    sha256: () => hash.digest("hex"),
  };
}
