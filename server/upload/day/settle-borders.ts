import { dirname, join } from "node:path";
import { type Day, dayOfPath, dayPath } from "../../domain/day.ts";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "../../platform/files/files.ts";
import { type BucketDay, type BucketDayOptions, holds, isPlain, lookAt, type Vouched } from "./bucket-day.ts";
import { type CombineDeps, combineDay } from "./combine-day.ts";
import { isSettled, overlapping, unlessRefused } from "./day-borders.ts";

export type SettleDeps = CombineDeps & { readonly vouchedLocally: (day: Day) => Vouched | null };

/**
 * Takes rows out of the bucket's archive of a day that belong to a day beside, and out of the archives beside that belong to this
 * day. Resolves with the day as it is then, or null if another recorder is at it.
 *
 * What cannot be done now, since a day beside is refused or nothing vouches for it, is written down below `borders/`, and done later,
 * also if the day has gone from this disk by then.
 */
export async function settleBorders(
  day: Day,
  own: Vouched | null,
  options: BucketDayOptions,
  deps: SettleDeps,
): Promise<BucketDay | null> {
  const found = await lookAt(day, options, deps);
  if (found.vouched === null) {
    noteBorder(options.dataDir, day, own !== null);
    return null;
  }
  const mine = own !== null && isPlain(found.vouched, own);
  const beside = await overlapping(day, [found.vouched.ids], mine, options, deps);
  let isOpen = beside.isUnknown;
  if (beside.before !== null || beside.after !== null) {
    isOpen = !(await settle(found, mine, options, deps)) || isOpen;
    for (const next of [beside.before, beside.after]) {
      if (next === null) continue;
      const isDone = await lookAt(next.day, options, deps)
        .then((of) => settle(of, false, options, deps))
        .catch(unlessRefused(deps.isAgain ?? false));
      isOpen = isDone !== true || isOpen;
    }
  }
  noteBorder(options.dataDir, day, isOpen);
  if (own === null) return found;
  const now = await lookAt(day, options, deps);
  return now.vouched !== null && holds(now.vouched, own) ? now : null;
}

/** False if it could not be done. */
async function settle(found: BucketDay, mine: boolean, options: BucketDayOptions, deps: SettleDeps): Promise<boolean> {
  if (found.vouched === null) return false;
  const beside = await overlapping(found.day, [found.vouched.ids], mine, options, deps);
  if (isSettled(found.vouched, beside)) return true;
  return (await combineDay(found, null, beside, options, deps)).kind === "placed";
}

/** Is something left to be done at the borders of a day? */
export function isBorderOpen(dataDir: string, day: Day): boolean {
  return existsSync(borderPath(dataDir, day));
}

/** All days of which something is. */
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

function noteBorder(dataDir: string, day: Day, isOpen: boolean): void {
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
