import { join } from "node:path";
import { archiveFolder, type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { readdir, stat, statfs } from "../../platform/files/files-async.ts";
import { archivedDays } from "../../storage/list/listing.ts";

/** How much is kept on this disk; 0 is no limit. */
export type RetentionLimits = {
  readonly days: number;
  readonly gb: number;
  readonly minFreeGb: number;
};

/** An archived day that could go. */
export type Candidate = { readonly day: Day; readonly bytes: number };

export type Removal = Candidate & { readonly reason: string };

const gb = 1e9;

/** The date from which on days are kept by age, or null without that limit. Today counts as the first day. */
export function keptFrom(today: string, days: number): string | null {
  return days === 0 ? null : dateOf(dateStartUs(today) - (days - 1) * dayUs);
}

/**
 * Which archived days may go, in order; `oldestFirst` are all of them. Each names the limit that it is over: age, then size of
 * all together, then free disk. The caller asks of each whether it is safe to remove, and goes on until enough is free. `today` is
 * null while the date is not confirmed: then nothing goes for its age.
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
        ? `it is from before ${from} (archive.retention_days = ${limits.days})`
        : limits.gb > 0 && total > limits.gb * gb
          ? `archives take ${inGb(total)} (archive.retention_gb = ${limits.gb})`
          : limits.minFreeGb > 0 && free < limits.minFreeGb * gb
            ? `${inGb(free)} are free (archive.min_free_gb = ${limits.minFreeGb})`
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

/** All archived days with what they take on the disk, oldest first. */
export async function candidates(dataDir: string): Promise<Candidate[]> {
  const found: Candidate[] = [];
  for (const day of await archivedDays(dataDir)) {
    const folder = archiveFolder(dataDir, day);
    let bytes = 0;
    for (const name of await readdir(folder).catch(() => [])) {
      bytes += (await stat(join(folder, name)).catch(() => null))?.size ?? 0;
    }
    found.push({ day, bytes });
  }
  return found;
}

/** What is free on the file system of a path. */
export async function freeBytesOf(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
