import { type Day, dateOf, manifestPath } from "../../domain/day.ts";
import { stat } from "../../platform/files/files-async.ts";
import type { Manifest } from "../../storage/manifest.ts";
import { type Candidate, keptFrom, type RetentionLimits } from "./retention-plan.ts";

/** Against what an age is judged. */
export type AgeContext = {
  readonly dataDir: string;
  readonly limits: RetentionLimits;
  /** The date that ages count to; null: nothing goes for its age. */
  readonly today: string | null;
  readonly archived: readonly Candidate[];
};

/**
 * Why an archive stays although its date is over a limit, or null: a wrong clock has stamped it, so that its date says nothing of its
 * age. It counts as of the date of its merge instead, which waits for a confirmed time. For the limits of size it goes after
 * the archives from before that date.
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
  return isOld ? null : `a wrong clock has stamped its records; it counts as of ${mergedOn}, when it was merged`;
}

/** True if a wrong clock has stamped every record: gaps of cause "clock" cover them from the first to the last. */
export function isWrongDate({ first_recv_us, last_recv_us, gaps }: Manifest): boolean {
  let reachedUs = -1;
  for (const { from_us, to_us, cause } of gaps.toSorted((a, b) => a.from_us - b.from_us)) {
    if (cause !== "clock" || from_us > (reachedUs < 0 ? first_recv_us : reachedUs) || to_us < first_recv_us) continue;
    reachedUs = Math.max(reachedUs, to_us);
  }
  return reachedUs >= last_recv_us;
}
