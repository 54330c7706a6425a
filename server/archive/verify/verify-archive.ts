import { archivePath, type Day, dateStartUs, manifestPath } from "../../domain/day.ts";
import { recordId } from "../../domain/line.ts";
import { streamTypeOfFolder } from "../../domain/stream.ts";
import { existsSync, readFileSync, statSync } from "../../platform/files/files.ts";
import { reasonOf } from "../../platform/system-errors.ts";
import { delayQuantile, type SegmentScan, scanSegment } from "../../storage/line-stats.ts";
import { type Manifest, readManifest } from "../../storage/manifest.ts";
import { isAsWritten } from "../../storage/manifest-mark.ts";
import { createFrameWalker } from "../../storage/zstd/zstd-frame.ts";

/** The result of checking an archive against its manifest. */
export type Verification =
  | { readonly kind: "ok"; readonly manifest: Manifest }
  | { readonly kind: "problems"; readonly manifest: Manifest | null; readonly problems: readonly Problem[] };

/** One problem of an archive or segment; `detail` is text for people. */
export type Problem = {
  readonly kind:
    | "manifest_missing"
    | "manifest_unreadable"
    | "manifest_changed"
    | "archive_missing"
    | "archive_unreadable"
    | "other_day"
    | "compressed_bytes"
    | "compressed_checksum"
    | "frame"
    | "raw_bytes"
    | "raw_checksum"
    | "rows"
    | "minutes"
    | "foreign_line"
    | "wrong_day"
    | "order"
    | "first_or_last"
    | "delays"
    | "refetched"
    | "id_order"
    | "id_missing"
    | "id_doubled"
    | "segment_unreadable";
  readonly detail: string;
};

export type VerifyOptions = {
  /** Compares only the size of the archive, without reading it. */
  readonly quick?: boolean;
  /** Receives whole lines during reading; valid during the call. */
  readonly onLines?: (lines: Buffer) => void;
};

/**
 * Compares the archive of a day with its manifest. Reads the whole archive in bounded memory. `onProgress` receives the finished
 * share, 0 to 1. Bad or missing files are reported as problems; they never reject.
 */
export async function verifyArchive(
  dataDir: string,
  day: Day,
  onProgress: (share: number) => void = () => {},
  options: VerifyOptions = {},
): Promise<Verification> {
  const path = archivePath(dataDir, day);
  let manifest: Manifest | null;
  try {
    manifest = readManifest(dataDir, day);
  } catch (error) {
    return problems(null, [
      { kind: "manifest_unreadable", detail: `${manifestPath(dataDir, day)}: ${reasonOf(error)}` },
    ]);
  }
  if (manifest === null) {
    const detail = existsSync(path) ? "the archive has no manifest and cannot be checked" : "this day has no archive";
    return problems(null, [{ kind: "manifest_missing", detail }]);
  }
  if (!existsSync(path)) return problems(manifest, [{ kind: "archive_missing", detail: path }]);
  const isChanged = !isAsWritten(readFileSync(manifestPath(dataDir, day), "utf8"));
  const changed = isChanged
    ? [
        {
          kind: "manifest_changed" as const,
          detail: "the manifest does not match its own checksum: it was edited or damaged",
        },
      ]
    : [];
  const problemsFound = [...changed, ...(await compare(path, day, manifest, onProgress, options))];
  return problemsFound.length === 0 ? { kind: "ok", manifest } : problems(manifest, problemsFound);
}

function problems(manifest: Manifest | null, problemsFound: readonly Problem[]): Verification {
  return { kind: "problems", manifest, problems: problemsFound };
}

async function compare(
  path: string,
  day: Day,
  manifest: Manifest,
  onProgress: (share: number) => void,
  options: VerifyOptions,
): Promise<Problem[]> {
  const problemsFound: Problem[] = [];
  const check = (
    kind: Problem["kind"],
    name: string,
    actual: string | number | null,
    stated: string | number | null,
  ) => {
    if (actual !== stated) problemsFound.push({ kind, detail: `${name}: ${actual}; the manifest states ${stated}` });
  };
  for (const key of ["stream", "symbol", "date"] as const) check("other_day", key, day[key], manifest[key]);
  const size = statSync(path).size;
  check("compressed_bytes", "bytes of the archive", size, manifest.compressed_bytes);
  if (options.quick) return problemsFound;
  const compressedHash = new Bun.CryptoHasher("sha256");
  const rawHash = new Bun.CryptoHasher("sha256");
  const walker = createFrameWalker();
  let bytesRead = 0;
  let rawBytes = 0;
  let first = "";
  let last = "";
  let scan: SegmentScan;
  try {
    const onBytes = (bytes: Uint8Array) => {
      compressedHash.update(bytes);
      walker.push(bytes);
      bytesRead += bytes.length;
      onProgress(bytesRead / size);
    };
    const onRaw = (bytes: Uint8Array) => {
      rawHash.update(bytes);
      rawBytes += bytes.length;
    };
    const onLines = (lines: Buffer) => {
      if (first === "") first = lines.toString("utf8", 0, lines.indexOf(10));
      last = lines.toString("utf8", lines.lastIndexOf(10, lines.length - 2) + 1, lines.length - 1);
      options.onLines?.(lines);
    };
    scan = await scanSegment(path, dateStartUs(day.date), { onBytes, onRaw, onLines });
  } catch (error) {
    problemsFound.push({ kind: "archive_unreadable", detail: reasonOf(error) });
    return problemsFound;
  }
  const { tally, foreign } = scan;
  const shape = walker.shape();
  if (shape.frames !== 1 || !shape.checksum) {
    problemsFound.push({
      kind: "frame",
      detail: `${shape.frames} zstd frames, ${shape.checksum ? "with" : "without"} checksum`,
    });
  }
  check("compressed_checksum", "SHA-256 of the file", compressedHash.digest("hex"), manifest.compressed_sha256);
  check("raw_checksum", "SHA-256 of the lines", rawHash.digest("hex"), manifest.raw_sha256);
  check("raw_bytes", "bytes of the lines", rawBytes, manifest.raw_bytes);
  check("rows", "rows", tally.rows + foreign, manifest.rows);
  const minutes = manifest.rows_per_minute.filter((count, minute) => count !== tally.perMinute[minute]).length;
  check("minutes", "minutes with a different number of rows", minutes, 0);
  if (foreign > 0) problemsFound.push({ kind: "foreign_line", detail: `${foreign} lines were not written by RT-Data` });
  const inDay = tally.perMinute.reduce((sum, count) => sum + count, 0);
  if (inDay !== tally.rows)
    problemsFound.push({ kind: "wrong_day", detail: `${tally.rows - inDay} rows were received on another day` });
  if (tally.disordered > 0)
    problemsFound.push({ kind: "order", detail: `${tally.disordered} rows are older than the row before` });
  const kind = streamTypeOfFolder(day.stream)?.kind;
  const idOf = (line: string) => (kind === undefined ? null : recordId(line, kind));
  check("first_or_last", "first recv_us", tally.firstUs, manifest.first_recv_us);
  check("first_or_last", "last recv_us", tally.lastUs, manifest.last_recv_us);
  check("first_or_last", "first id", idOf(first), manifest.first_id);
  check("first_or_last", "last id", idOf(last), manifest.last_id);
  check("delays", "median delay in ms", delayQuantile(tally, 0.5), manifest.delay_p50_ms);
  check("delays", "99th percentile of the delay in ms", delayQuantile(tally, 0.99), manifest.delay_p99_ms);
  check("refetched", "backfilled rows", tally.refetched, manifest.repaired.refetched);
  return problemsFound;
}
