import { basename } from "node:path";
import { archivePath, type Day, dateStartUs, dayOfPath, previousSuffix, segmentOfPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { existsSync, readFileSync, statSync } from "../../platform/files/files.ts";

/** A file of recorded lines. */
export type RecordedFile = {
  readonly path: string;
  /** The file holds no record from before this time, µs; -Infinity if its name does not tell. */
  readonly startUs: number;
  /** `recv_us` of its last line, µs; null if unknown without reading it. */
  readonly lastUs: number | null;
  /** UTC date; null for a file that is not part of a day. */
  readonly date: string | null;
  /** Files to which the recorder moves the lines meanwhile: first the sealed segment, then the day's archive. */
  readonly sealed: string | null;
  readonly merged: string | null;
};

/** A day of one stream and symbol. */
export type RecordedDay = Day & {
  /** Gaps from the manifest; null for a day without a manifest. */
  readonly gaps: readonly Omit<Gap, "stream" | "symbol">[] | null;
};

type Manifest = {
  readonly gaps: RecordedDay["gaps"];
  readonly segments: readonly string[] | null;
  readonly lastUs: number | null;
  readonly bytes: number | null;
};

/**
 * Selects from all files of one stream and symbol those that hold each record once, in order of time.
 * For a merged day this is its archive, for another day its segments. `late` are segments of merged days that came after the merge.
 */
export function sortOutDays(paths: readonly string[]): {
  days: RecordedDay[];
  files: RecordedFile[];
  late: RecordedFile[];
} {
  const byDate = new Map<string, string[]>();
  for (const path of paths) {
    const date = dayOfPath(path)?.date ?? "";
    const dayPaths = byDate.get(date);
    if (dayPaths === undefined) byDate.set(date, [path]);
    else dayPaths.push(path);
  }
  const days: RecordedDay[] = [];
  const files: RecordedFile[] = [];
  const late: RecordedFile[] = [];
  for (const [date, dayPaths] of [...byDate].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const day = { ...(dayOfPath(dayPaths[0] ?? "") as Day), date };
    const segments = segmentFiles(dayPaths);
    const archive = findArchive(dayPaths, day);
    const orphan = archive === null ? dayPaths.find((path) => path.endsWith(".manifest.json")) : undefined;
    // A manifest without its archive still proves that the day was recorded, so its reader must learn that lines are missing.
    if (orphan !== undefined) files.push(fileOfDay(orphan.replace(/\.manifest\.json$/, ".jsonl.zst"), date, null));
    if (archive === null && segments.length === 0) {
      if (orphan !== undefined) days.push({ ...day, gaps: null });
      continue;
    }
    // An archive without a manifest is an unfinished merge; the segments are still there.
    if (archive === null || (archive.manifest === null && segments.length > 0)) files.push(...segments);
    else {
      const { manifest, path } = archive;
      files.push(fileOfDay(path, date, manifest?.lastUs ?? null));
      const { segments: merged = null } = manifest ?? {};
      if (merged !== null) {
        const isLate = (file: RecordedFile) => !merged.includes(segmentOfPath(file.path)?.segment.name ?? "");
        late.push(...segments.filter(isLate).map((file) => ({ ...file, merged: null })));
      }
    }
    days.push({ ...day, gaps: archive?.manifest?.gaps ?? null });
  }
  return { days, files, late };
}

function fileOfDay(path: string, date: string, lastUs: number | null): RecordedFile {
  return { path, startUs: dateStartUs(date), lastUs, date, sealed: null, merged: null };
}

/** Lists segments in order. If a crash left a segment twice, the sealed file is used, because it is complete. */
function segmentFiles(paths: readonly string[]): RecordedFile[] {
  const byName = new Map<string, RecordedFile>();
  for (const path of paths) {
    const parsed = segmentOfPath(path);
    if (parsed === null || (parsed.state === "open" && byName.has(parsed.segment.name))) continue;
    const { date, name } = parsed.segment;
    const [hours = "", minutes = ""] = name.split(/[-_]/);
    const root = path.slice(0, path.lastIndexOf("/live/stream="));
    byName.set(name, {
      path,
      startUs: dateStartUs(date) + (Number(hours) * 60 + Number(minutes)) * 60_000_000,
      lastUs: null,
      date,
      sealed: parsed.state === "open" ? `${path}.zst` : null,
      merged: path.includes("/live/stream=") ? archivePath(root, parsed.segment) : null,
    });
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

function findArchive(paths: readonly string[], day: Day): { path: string; manifest: Manifest | null } | null {
  const name = `${day.symbol}-${day.stream}-${day.date}.jsonl.zst`;
  const hasName = (path: string) => [name, name + previousSuffix].includes(basename(path));
  const candidates = paths.filter((path) => hasName(path) && segmentOfPath(path) === null);
  const first = candidates[0];
  if (first === undefined) return null;
  const manifest = readManifest(
    `${first.slice(0, first.lastIndexOf(name))}${name.slice(0, -".jsonl.zst".length)}.manifest.json`,
  );
  // While an archive is being replaced there are two files; the manifest belongs to the file of its size.
  const matching = candidates.find((path) => sizeOf(path) === manifest?.bytes);
  return { path: matching ?? first, manifest };
}

/** Reads the needed members of a manifest. If it is unreadable, all members are null: the day was merged, more is unknown. */
function readManifest(path: string): Manifest | null {
  if (!existsSync(path)) return null;
  let value: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof parsed === "object" && parsed !== null) value = parsed as Record<string, unknown>;
  } catch {}
  return {
    gaps: Array.isArray(value.gaps)
      ? value.gaps.filter(isGap).map((gap) => ({ ...gap, missing: gap.missing ?? null, repaired: gap.repaired ?? 0 }))
      : null,
    segments: Array.isArray(value.segments) ? value.segments : null,
    lastUs: typeof value.last_recv_us === "number" ? value.last_recv_us : null,
    bytes: typeof value.compressed_bytes === "number" ? value.compressed_bytes : null,
  };
}

/** Tests the members that every version writes. Counts of missing and backfilled ids exist since 0.2. */
function isGap(value: unknown): value is Gap {
  const gap = value as Partial<Gap> | null;
  return typeof gap?.from_us === "number" && typeof gap.to_us === "number";
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}
