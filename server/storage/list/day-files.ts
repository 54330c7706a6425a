import { basename } from "node:path";
import { archivePath, type Day, dateStartUs, dayOfPath, previousSuffix, segmentOfPath } from "../../domain/day.ts";
import type { Gap } from "../../domain/gap.ts";
import { existsSync, readFileSync, statSync } from "../../platform/files/files.ts";

/** A file of lines. */
export type RecordedFile = {
  readonly path: string;
  /** Nothing in it was received before this, µs; -Infinity where its name does not say. */
  readonly startUs: number;
  /** When its last line was received, µs, where that is known without reading it. */
  readonly lastUs: number | null;
  /** UTC date, null for a raw file. */
  readonly date: string | null;
  /** Where its lines go while a recorder works on the folder: sealed first, then merged into the day's archive. */
  readonly sealed: string | null;
  readonly merged: string | null;
};

/** A day of one stream and symbol. */
export type RecordedDay = Day & {
  /** From its manifest; null for a day that has none yet. */
  readonly gaps: readonly Omit<Gap, "stream" | "symbol">[] | null;
};

type Manifest = {
  readonly gaps: RecordedDay["gaps"];
  readonly segments: readonly string[] | null;
  readonly lastUs: number | null;
  readonly bytes: number | null;
};

/**
 * From all files of one stream and symbol those that hold each record once, in order of time: of a merged day its archive, of
 * any other its segments. `late` are segments of merged days that came after the merge.
 */
export function sortOutDays(paths: readonly string[]): {
  days: RecordedDay[];
  files: RecordedFile[];
  late: RecordedFile[];
} {
  const byDate = new Map<string, string[]>();
  for (const path of paths) {
    const date = dayOfPath(path)?.date ?? "";
    const own = byDate.get(date);
    if (own === undefined) byDate.set(date, [path]);
    else own.push(path);
  }
  const days: RecordedDay[] = [];
  const files: RecordedFile[] = [];
  const late: RecordedFile[] = [];
  for (const [date, own] of [...byDate].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const day = { ...(dayOfPath(own[0] ?? "") as Day), date };
    const segments = segmentFiles(own);
    const archive = findArchive(own, day);
    const lost = archive === null ? own.find((path) => path.endsWith(".manifest.json")) : undefined;
    // A manifest whose archive is gone still says that the day was recorded: its reader is told that lines are missing.
    if (lost !== undefined) files.push(fileOfDay(lost.replace(/\.manifest\.json$/, ".jsonl.zst"), date, null));
    if (archive === null && segments.length === 0) {
      if (lost !== undefined) days.push({ ...day, gaps: null });
      continue;
    }
    // An archive without manifest is the beginning of a merge; its segments are still there.
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

/** Segments in order; where a crash left one twice, the sealed one is known to be whole. */
function segmentFiles(paths: readonly string[]): RecordedFile[] {
  const byName = new Map<string, RecordedFile>();
  for (const path of paths) {
    const found = segmentOfPath(path);
    if (found === null || (found.state === "open" && byName.has(found.segment.name))) continue;
    const { date, name } = found.segment;
    const [hours = "", minutes = ""] = name.split(/[-_]/);
    const root = path.slice(0, path.lastIndexOf("/live/stream="));
    byName.set(name, {
      path,
      startUs: dateStartUs(date) + (Number(hours) * 60 + Number(minutes)) * 60_000_000,
      lastUs: null,
      date,
      sealed: found.state === "open" ? `${path}.zst` : null,
      merged: path.includes("/live/stream=") ? archivePath(root, found.segment) : null,
    });
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
}

function findArchive(paths: readonly string[], day: Day): { path: string; manifest: Manifest | null } | null {
  const name = `${day.symbol}-${day.stream}-${day.date}.jsonl.zst`;
  const named = (path: string) => [name, name + previousSuffix].includes(basename(path));
  const candidates = paths.filter((path) => named(path) && segmentOfPath(path) === null);
  const first = candidates[0];
  if (first === undefined) return null;
  const manifest = readManifest(
    `${first.slice(0, first.lastIndexOf(name))}${name.slice(0, -".jsonl.zst".length)}.manifest.json`,
  );
  // While one is being replaced there are two; the manifest says which of them it speaks of.
  const vouched = candidates.find((path) => sizeOf(path) === manifest?.bytes);
  return { path: vouched ?? first, manifest };
}

/** What we need of a manifest; of one that cannot be read, only that the day was merged. */
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

/** Counts of missing and refetched ids came with 0.2. */
function isGap(value: unknown): value is Gap {
  const gap = value as Partial<Gap> | null;
  return typeof gap?.from_us === "number" && typeof gap.to_us === "number";
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}
