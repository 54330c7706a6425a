import { type Day, dateOf, manifestPath } from "../../domain/day.ts";
import { stat } from "../../platform/files/files-async.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { type Candidate, keptFrom, type RetentionLimits } from "./retention-plan.ts";

/** The data by which the age of an archive is judged. */
export type AgeContext = {
  readonly dataDir: string;
  readonly limits: RetentionLimits;
  /** The date to which age is measured; null: the age limit is not applied. */
  readonly today: string | null;
  readonly archived: readonly Candidate[];
};

/**
 * Returns why an archive is kept although its date exceeds a limit; null if it is not kept for that reason. If a wrong clock stamped
 * all records, the date of the archive does not tell its age. The date of its merge is used instead: merges wait for a confirmed
 * time. For the size limits it is removed after the archives from before that date.
 */
export async function keptForItsStamps(day: Day, manifest: Manifest, at: AgeContext): Promise<string | null> {
  if (!isWrongDate(manifest)) return null;
  const mergedOn = dateOf(Math.round((await stat(manifestPath(at.dataDir, day))).mtimeMs * 1000));
  if (mergedOn <= day.date) return null;
  const from = at.today === null ? null : keptFrom(at.today, at.limits.days);
  const isOld =
    from !== null && day.date < from
      ? mergedOn < from
      : !at.archived.some(({ day: { date } }) => date > day.date && date < mergedOn);
  return isOld ? null : `a wrong clock stamped its records; its age counts from ${mergedOn}, the date of its merge`;
}

/** Returns true if a wrong clock stamped every record: gaps of cause "clock" cover the day from its first to its last record. */
export function isWrongDate({ first_recv_us, last_recv_us, gaps }: Manifest): boolean {
  let reachedUs = -1;
  for (const { from_us, to_us, cause } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    if (cause !== "clock" || from_us > (reachedUs < 0 ? first_recv_us : reachedUs) || to_us < first_recv_us) continue;
    reachedUs = Math.max(reachedUs, to_us);
  }
  return reachedUs >= last_recv_us;
}
