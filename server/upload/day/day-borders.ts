import { type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { StoreProblem } from "../store/store-errors.ts";
import { type BucketDay, type BucketDayDeps, type BucketDayOptions, lookAt, type Vouched } from "./bucket-day.ts";
import { isOvertaken } from "./upload-file.ts";

/*
 * If one recorder received a record before midnight and another recorder after it, the record is in two archives. It belongs to the
 * day of its best line, and `combineArchives` finds that line in the archives of both days. That costs a download, so this file decides
 * when it is necessary: only if the ids of a day overlap with the ids of an adjacent day.
 */

/** Archives of adjacent days whose ids overlap with a day. `isUnknown`: an adjacent day cannot be checked now. */
export type Beside = {
  readonly before: BucketDay | null;
  readonly after: BucketDay | null;
  readonly isUnknown: boolean;
};

export type IdBounds = Vouched["ids"];

/** `isAgain`: the previous attempt failed as well. */
export type BesideDeps = { readonly isAgain?: boolean };

/** Returns the day before (-1) or after (1). */
export function dayBeside(day: Day, days: -1 | 1): Day {
  return { ...day, date: dateOf(dateStartUs(day.date) + days * dayUs) };
}

/**
 * Finds archives of adjacent days whose ids may overlap with the ids of a day, given as `spans`. `mine`: the day was recorded by this
 * disk's recorder alone. An adjacent day of the same recorder is ignored then, because a recorder never stores a record twice.
 */
export async function overlapping(
  day: Day,
  spans: readonly IdBounds[],
  mine: boolean,
  options: BucketDayOptions,
  deps: BucketDayDeps & BesideDeps & { readonly vouchedLocally: (day: Day) => Vouched | null },
): Promise<Beside> {
  const span = spanOf(spans);
  let isUnknown = false;
  const findOverlapping = async (days: -1 | 1) => {
    const bucketDay = await lookAt(dayBeside(day, days), options, deps).catch(unlessRefused(deps.isAgain ?? false));
    const vouched = bucketDay?.vouched ?? null;
    if (bucketDay === null || vouched === null) {
      isUnknown ||= bucketDay === null || bucketDay.state !== null || bucketDay.manifest !== null;
      return null;
    }
    if (span !== null && vouched.ids !== null) {
      const [early, late] = days < 0 ? [vouched.ids, span] : [span, vouched.ids];
      return early.highest < late.lowest ? null : bucketDay;
    }
    const isOwn = vouched.sources.length === 0 && localSha256(bucketDay.day, deps) === vouched.raw_sha256;
    return mine && isOwn ? null : bucketDay;
  };
  const [before, after] = [await findOverlapping(-1), await findOverlapping(1)];
  return { before, after, isUnknown };
}

/**
 * Returns an error handler that ignores the store's refusal of an adjacent day: null. Records in both days are found later, when the
 * store accepts that day. A refusal may pass, so it counts only the second time in a row (`isAgain`), or if the object is its cause.
 */
export function unlessRefused(isAgain: boolean): (error: unknown) => null {
  return (error) => {
    if (!(error instanceof StoreProblem) || error.scope === "store" || isOvertaken(error)) throw error;
    if (error.scope === "object" || isAgain) return null;
    throw new StoreProblem(besideCode, `check the adjacent day: ${error.message}`, "object", { cause: error });
  };
}

/** Code of a problem that a day has only because of an adjacent day. */
export const besideCode = "Beside";

/** Returns the span of all ids; null if any span is unknown. */
function spanOf(spans: readonly IdBounds[]): IdBounds {
  let all: IdBounds = null;
  for (const span of spans) {
    if (span === null) return null;
    all =
      all === null ? span : { lowest: Math.min(all.lowest, span.lowest), highest: Math.max(all.highest, span.highest) };
  }
  return all;
}

/** Returns true if an archive was compared with the current archives of the adjacent days. */
export function isSettled({ borders }: Vouched, { before, after }: Pick<Beside, "before" | "after">): boolean {
  return (
    (before === null || borders.before?.sha256 === before.vouched?.compressed_sha256) &&
    (after === null || borders.after?.sha256 === after.vouched?.compressed_sha256)
  );
}

function localSha256(day: Day, deps: { readonly vouchedLocally: (day: Day) => Vouched | null }): string | null {
  try {
    return deps.vouchedLocally(day)?.raw_sha256 ?? null;
  } catch {
    return null;
  }
}
