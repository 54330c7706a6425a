import { type Day, dateOf, dateStartUs, dayUs } from "../../domain/day.ts";
import { StoreProblem } from "../store/store-errors.ts";
import { type BucketDay, type BucketDayDeps, type BucketDayOptions, lookAt, type Vouched } from "./bucket-day.ts";
import { isOvertaken } from "./upload-file.ts";

/*
 * A record that one recorder has got before midnight and another one after it is in two archives. It belongs to the day of its best
 * line, which `combineArchives` knows from the archives of both days. Here it is told when they have to be looked at, since that costs
 * a download: only where ids of one day lie among those of the day beside.
 */

/** The archives beside one of the bucket whose ids reach into it. `isUnknown`: of one beside it cannot be told at this moment. */
export type Beside = {
  readonly before: BucketDay | null;
  readonly after: BucketDay | null;
  readonly isUnknown: boolean;
};

export type IdBounds = Vouched["ids"];

/** `isAgain`: the attempt before has failed as well. */
export type BesideDeps = { readonly isAgain?: boolean };

/** The day so many days later. */
export function dayBeside(day: Day, days: -1 | 1): Day {
  return { ...day, date: dateOf(dateStartUs(day.date) + days * dayUs) };
}

/**
 * Looks for archives beside a day whose ids may be among its own, of which `spans` are known; `isOwn` tells a day that the bucket has
 * from this disk alone, and `mine` that the day itself is: one recorder never has a record twice.
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
  const find = async (days: -1 | 1) => {
    const found = await lookAt(dayBeside(day, days), options, deps).catch(unlessRefused(deps.isAgain ?? false));
    const vouched = found?.vouched ?? null;
    if (found === null || vouched === null) {
      isUnknown ||= found === null || found.state !== null || found.manifest !== null;
      return null;
    }
    if (span !== null && vouched.ids !== null) {
      const [early, late] = days < 0 ? [vouched.ids, span] : [span, vouched.ids];
      return early.highest < late.lowest ? null : found;
    }
    const isOwn = vouched.sources.length === 0 && localSha256(found.day, deps) === vouched.raw_sha256;
    return mine && isOwn ? null : found;
  };
  const [before, after] = [await find(-1), await find(1)];
  return { before, after, isUnknown };
}

/**
 * A day that the store refuses is no trouble of the days beside it; what is in both is found out once it takes that day. But a
 * refusal may pass, so that only the second one in a row (`isAgain`) is taken for one, unless its reason is the object's own.
 */
export function unlessRefused(isAgain: boolean): (error: unknown) => null {
  return (error) => {
    if (!(error instanceof StoreProblem) || error.scope === "store" || isOvertaken(error)) throw error;
    if (error.scope === "object" || isAgain) return null;
    throw new StoreProblem(besideCode, `look at the day beside: ${error.message}`, "object", { cause: error });
  };
}

/** Code of a problem that a day has only because of one beside it. */
export const besideCode = "Beside";

/** What all of them span; null if one does not say. */
function spanOf(spans: readonly IdBounds[]): IdBounds {
  let all: IdBounds = null;
  for (const span of spans) {
    if (span === null) return null;
    all =
      all === null ? span : { lowest: Math.min(all.lowest, span.lowest), highest: Math.max(all.highest, span.highest) };
  }
  return all;
}

/** Has an archive been compared with those beside it, as they are now? */
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
