import { streamTypeOfFolder } from "../../domain/stream.ts";
import { FileError, messageOf } from "../../platform/errors.ts";
import { version } from "../../platform/process/version.ts";
import { nextTurn } from "../../platform/time/timers.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { openLinesSync } from "../../storage/read/line-reader-sync.ts";
import { type Cell, type ExportColumn, type Members, rowShape } from "../column.ts";
import { createDraftFile } from "../draft-file.ts";
import { createGapMarks, type MarkedGap } from "../gap-marks.ts";
import type { Compression, NumberForm, OutputFile } from "../table-file.ts";
import { createParquetFile } from "./parquet-file.ts";

/** A merged day: its archive, the manifest that vouches for it, and its gaps as they are known now. */
export type ArchiveSource = {
  readonly path: string;
  readonly manifest: Manifest;
  readonly gaps: readonly MarkedGap[];
};

export type ArchiveParquetOptions = {
  readonly numbers: NumberForm;
  readonly levels: "columns" | "list";
  readonly compression: Compression;
  readonly stop: AbortSignal;
  /** Called now and then with the share of the archive's bytes that were read. */
  readonly onProgress?: (share: number) => void;
};

/** A column of a written file and what is known of its values. */
export type WrittenColumn = ExportColumn & {
  readonly nulls: number;
  /** Least and greatest value of an integer column; null for other columns. */
  readonly least: number | null;
  readonly greatest: number | null;
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
 * Writes an archived day to a Parquet file, which becomes visible when it is complete. Columns: as in `rt-data export`, and `since_gap`. The archive is compared with its manifest (SHA-256,
 * rows) while it is read, so it is read only once. Other work of the thread gets a turn after each piece of the archive.
 *
 * @throws FileError if the archive cannot be read or is not what its manifest says; other errors if the target cannot be written, or `stop`
 *   fires. No partial file remains.
 */
export async function writeArchiveAsParquet(
  source: ArchiveSource,
  target: string,
  options: ArchiveParquetOptions,
): Promise<WrittenParquet> {
  const { path, manifest } = source;
  const type = streamTypeOfFolder(manifest.stream);
  if (type === null) throw new FileError("export", path, `this version does not know the stream ${manifest.stream}`);
  const shape = rowShape(type, { levels: options.levels, symbol: null });
  const columns = [...shape.columns, sinceGap];
  const marks = createGapMarks(source.gaps);
  const statistics = createStatistics(columns);
  const hash = new Bun.CryptoHasher("sha256");
  let bytesRead = 0;
  const lines = openLinesSync(path, (bytes) => {
    hash.update(bytes);
    bytesRead += bytes.length;
  });
  const output = createHashedFile(createDraftFile(target));
  const { numbers, compression } = options;
  const file = createParquetFile(output, columns, {
    ...{ numbers, compression },
    createdBy: `rt-data version ${version}`,
  });
  let rows = 0;
  try {
    while (lines.fill()) {
      for (const line of wholeLines(lines.bytes, lines.from, lines.to)) {
        const row = rowOf(line, shape.row, path);
        row.push(marks(row[recvUsAt] as number));
        statistics.add(row);
        file.add(row);
        rows++;
      }
      lines.from = lines.to;
      options.onProgress?.(bytesRead / manifest.compressed_bytes);
      await nextTurn();
      if (options.stop.aborted) throw new Error(`the export was stopped; ${target} was not written`);
    }
    if (hash.digest("hex") !== manifest.compressed_sha256 || rows !== manifest.rows)
      throw new FileError("export", path, "it is not what its manifest says. Run `rt-data verify`");
    const bytes = await file.finish();
    return { rows, bytes, sha256: output.sha256(), columns: statistics.columns() };
  } finally {
    lines.close();
    file.discard();
  }
}

/** The last column: true for the first row after a gap (`createGapMarks`). */
const sinceGap: ExportColumn = { name: "since_gap", kind: "boolean", nullable: false };

/** `recv_us` is the first column. */
const recvUsAt = 0;

function wholeLines(bytes: Buffer, from: number, to: number): string[] {
  const lines = bytes.toString("utf8", from, to).split("\n");
  lines.pop();
  return lines;
}

function rowOf(line: string, row: (members: Members) => Cell[], path: string): Cell[] {
  try {
    return row(JSON.parse(line) as Members);
  } catch (error) {
    throw new FileError("export", path, `a line cannot be exported (${messageOf(error)}): ${line.slice(0, 200)}`);
  }
}

/** Counts the nulls of each column, and finds the least and the greatest integer. */
function createStatistics(columns: readonly ExportColumn[]) {
  const nulls = new Float64Array(columns.length);
  const least = new Float64Array(columns.length).fill(Number.POSITIVE_INFINITY);
  const greatest = new Float64Array(columns.length).fill(Number.NEGATIVE_INFINITY);
  const finite = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : null);

  return {
    add(row: readonly Cell[]): void {
      for (let at = 0; at < row.length; at++) {
        const cell = row[at];
        if (cell === null) nulls[at] = (nulls[at] ?? 0) + 1;
        else if (typeof cell === "number") {
          least[at] = Math.min(least[at] ?? cell, cell);
          greatest[at] = Math.max(greatest[at] ?? cell, cell);
        }
      }
    },
    columns: (): WrittenColumn[] =>
      columns.map((column, at) => {
        const isInteger = column.kind === "integer";
        return {
          ...column,
          nulls: nulls[at] ?? 0,
          least: isInteger ? finite(least[at]) : null,
          greatest: isInteger ? finite(greatest[at]) : null,
        };
      }),
  };
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
