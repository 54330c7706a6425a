import { dirname, join } from "node:path";
import { type Day, dayOfPath, dayPath } from "../../domain/day.ts";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "../../platform/files/files.ts";
import { type BucketDay, type BucketDayOptions, holds, isPlain, lookAt, type Vouched } from "./bucket-day.ts";
import { type CombineDeps, combineDay } from "./combine-day.ts";
import { isSettled, overlapping, unlessRefused } from "./day-borders.ts";

export type SettleDeps = CombineDeps & { readonly vouchedLocally: (day: Day) => Vouched | null };

/**
 * Removes rows from the bucket's archive of a day that belong to an adjacent day, and rows of this day from the adjacent archives.
 * Resolves with the day after that; null if another recorder is changing it.
 *
 * An adjacent day may be refused by the store or have no valid manifest. The day is then recorded below `borders/` and done later,
 * even if it was removed from this disk meanwhile.
 */
export async function settleBorders(
  day: Day,
  own: Vouched | null,
  options: BucketDayOptions,
  deps: SettleDeps,
): Promise<BucketDay | null> {
  const bucketDay = await lookAt(day, options, deps);
  if (bucketDay.vouched === null) {
    saveBorderState(options.dataDir, day, own !== null);
    return null;
  }
  const mine = own !== null && isPlain(bucketDay.vouched, own);
  const adjacent = await overlapping(day, [bucketDay.vouched.ids], mine, options, deps);
  let isOpen = adjacent.isUnknown;
  if (adjacent.before !== null || adjacent.after !== null) {
    isOpen = !(await removeForeignRows(bucketDay, mine, options, deps)) || isOpen;
    for (const next of [adjacent.before, adjacent.after]) {
      if (next === null) continue;
      const isDone = await lookAt(next.day, options, deps)
        .then((neighbour) => removeForeignRows(neighbour, false, options, deps))
        .catch(unlessRefused(deps.isAgain ?? false));
      isOpen = isDone !== true || isOpen;
    }
  }
  saveBorderState(options.dataDir, day, isOpen);
  if (own === null) return bucketDay;
  const settled = await lookAt(day, options, deps);
  return settled.vouched !== null && holds(settled.vouched, own) ? settled : null;
}

/** Removes rows of adjacent days from one archive; false if that is not possible now. */
async function removeForeignRows(
  bucketDay: BucketDay,
  mine: boolean,
  options: BucketDayOptions,
  deps: SettleDeps,
): Promise<boolean> {
  if (bucketDay.vouched === null) return false;
  const adjacent = await overlapping(bucketDay.day, [bucketDay.vouched.ids], mine, options, deps);
  if (isSettled(bucketDay.vouched, adjacent)) return true;
  return (await combineDay(bucketDay, null, adjacent, options, deps)).kind === "placed";
}

/** Returns true if the borders of a day must be settled later. */
export function isBorderOpen(dataDir: string, day: Day): boolean {
  return existsSync(borderPath(dataDir, day));
}

/** Lists all days whose borders must be settled later. */
export function openBorders(dataDir: string): Day[] {
  try {
    const names = readdirSync(join(dataDir, "borders"), { recursive: true, encoding: "utf8" });
    return names
      .filter((name) => name.endsWith("/open"))
      .map(dayOfPath)
      .filter((day) => day !== null);
  } catch {
    return [];
  }
}

function saveBorderState(dataDir: string, day: Day, isOpen: boolean): void {
  const path = borderPath(dataDir, day);
  if (isOpen === existsSync(path)) return;
  if (!isOpen) {
    rmSync(dirname(path), { recursive: true, force: true });
    return;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
}

function borderPath(dataDir: string, day: Day): string {
  return join(dataDir, "borders", dayPath(day), "open");
}
