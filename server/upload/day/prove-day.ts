import type { Day } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { StoreProblem } from "../store/store-errors.ts";
import { uploadedPath, writeRecord } from "../upload-record.ts";
import { type BucketDayOptions, compareContent, holds, lookAt, recordOf, type Vouched } from "./bucket-day.ts";
import { hasMoved, type UploadDayDeps } from "./upload-day.ts";

/** Asks the bucket whether a day may be removed from this disk; resolves with the reason if not, else null. */
export type Prove = (
  day: Day,
  own: Pick<Vouched, "raw_sha256" | "compressed_sha256">,
  isDryRun: boolean,
) => Promise<string | null>;

export type ProveDeps = Pick<
  UploadDayDeps,
  "store" | "pacer" | "parseManifest" | "vouchedLocally" | "mayBeGone" | "nowUs"
> & {
  /** A day is missing from the bucket although it was uploaded. It must be uploaded again. */
  readonly onMissing: (day: Day, problem: string) => void;
};

/** An unreachable store is not asked again for this time, ms: there may be ten thousand days. */
const silenceMs = 30_000;

/**
 * Creates the check. The bucket has a day if all of this is true now; else the result is the reason in words.
 *
 *   1. the manifest includes this disk's archive
 *   2. the object has the size of the manifest, and an ETag compared before or the right content
 *   3. rows moved to an adjacent day are still there
 *
 * The local record of a missing day is removed (except by a dry run), so that the day is uploaded again.
 */
export function createProve(options: BucketDayOptions, deps: ProveDeps): Prove {
  let silence: { readonly untilUs: number; readonly why: string } | null = null;

  async function prove(day: Day, own: Vouched, isDryRun: boolean): Promise<string | null> {
    const bucketDay = await lookAt(day, options, deps);
    const record = recordOf(bucketDay, options.dataDir);
    if (record?.compressed_sha256 !== own.compressed_sha256) return "it is not uploaded yet";
    if (record.confirmed_us === null) return "its upload is not confirmed yet";
    const problem = await findProblem();
    if (problem === null) return null;
    if (!isDryRun) {
      writeRecord(uploadedPath(options.dataDir, day), null);
      deps.onMissing(day, problem);
    }
    return `it is missing from the bucket: ${problem}; it is uploaded again`;

    async function findProblem(): Promise<string | null> {
      if (bucketDay.state === null) return "the object is gone";
      if (bucketDay.manifest === null) return "its manifest is gone";
      if (bucketDay.isSpoilt) return "its manifest is invalid";
      if (bucketDay.vouched === null) return "the size of the object differs from its manifest";
      if (!holds(bucketDay.vouched, own)) return "the manifest does not include this archive";
      if ((await compareContent(bucketDay, own, options, deps)) === "other")
        return "the object does not match its manifest";
      return (await hasMoved(bucketDay.vouched, day, options, deps)) ? null : "rows moved to the adjacent day are gone";
    }
  }

  return async (day, { compressed_sha256 }, isDryRun) => {
    if (silence !== null && deps.nowUs() < silence.untilUs) return silence.why;
    silence = null;
    try {
      const own = deps.vouchedLocally(day);
      if (own?.compressed_sha256 !== compressed_sha256) return "it is being merged again";
      return await prove(day, own, isDryRun);
    } catch (error) {
      const why = `cannot ask the bucket for it: ${messageOf(error)}`;
      if (error instanceof StoreProblem && error.scope === "store" && codeOf(error) !== "Stopped")
        silence = { untilUs: deps.nowUs() + silenceMs * 1000, why };
      return why;
    }
  };
}
