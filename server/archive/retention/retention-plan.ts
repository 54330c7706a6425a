import { join } from "node:path";
import { archiveFolder, type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { readdir, stat, statfs } from "../../platform/files/files-async.ts";
import { archivedDays } from "../../storage/list/listing.ts";

/** Limits of the archives on this disk; 0 means no limit. */
export type RetentionLimits = {
  readonly days: number;
  readonly gb: number;
  readonly minFreeGb: number;
};

/** An archived day that could be removed. */
export type Candidate = { readonly day: Day; readonly bytes: number };

export type Removal = Candidate & { readonly reason: string };

const gb = 1e9;

/** Returns the oldest date that the age limit keeps; null without an age limit. Today counts as the first day. */
export function keptFrom(today: string, days: number): string | null {
  return days === 0 ? null : dateOf(dateStartUs(today) - (days - 1) * dayUs);
}

/**
 * Yields the archived days that exceed a limit, oldest first, each with the exceeded limit as its reason. Limits are checked in this
 * order: age, total size, free disk space. The caller answers whether it removed the day; the plan ends when the limits are met.
 * `oldestFirst`: all archived days. `today`: null while the date is not confirmed; then the age limit is not applied.
 */
export function* planRetention(
  oldestFirst: readonly Candidate[],
  limits: RetentionLimits,
  at: { readonly today: string | null; readonly freeBytes: number },
): Generator<Removal, void, boolean> {
  let total = oldestFirst.reduce((sum, { bytes }) => sum + bytes, 0);
  let free = at.freeBytes;
  const from = at.today === null ? null : keptFrom(at.today, limits.days);
  for (const candidate of oldestFirst) {
    if (at.today !== null && candidate.day.date >= at.today) return;
    const reason =
      from !== null && candidate.day.date < from
        ? `it is older than ${from} (archive.retention_days = ${limits.days})`
        : limits.gb > 0 && total > limits.gb * gb
          ? `archives take ${inGb(total)} (archive.retention_gb = ${limits.gb})`
          : limits.minFreeGb > 0 && free < limits.minFreeGb * gb
            ? `only ${inGb(free)} are free (archive.min_free_gb = ${limits.minFreeGb})`
            : null;
    if (reason === null) continue;
    const isRemoved = yield { ...candidate, reason };
    if (!isRemoved) continue;
    total -= candidate.bytes;
    free += candidate.bytes;
  }
}

function inGb(bytes: number): string {
  return `${(bytes / gb).toFixed(bytes < gb ? 3 : 1)} GB`;
}

/** Lists all archived days with their size on disk, oldest first. */
export async function candidates(dataDir: string): Promise<Candidate[]> {
  const archived: Candidate[] = [];
  for (const day of await archivedDays(dataDir)) {
    const folder = archiveFolder(dataDir, day);
    let bytes = 0;
    for (const name of await readdir(folder).catch(() => [])) {
      bytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
    }
    archived.push({ day, bytes });
  }
  return archived;
}

/** Returns the free bytes of the file system that holds `path`. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
