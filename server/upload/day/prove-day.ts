import type { Day } from "../../domain/day.ts";
import { codeOf, messageOf } from "../../platform/errors.ts";
import { StoreProblem } from "../store/store-errors.ts";
import { uploadedPath, writeRecord } from "../upload-record.ts";
import { type BucketDayOptions, compareContent, holds, lookAt, recordOf, type Vouched } from "./bucket-day.ts";
import { hasMoved, type UploadDayDeps } from "./upload-day.ts";

/** Asks the bucket whether a day may go from this disk. */
export type Prove = (
  day: Day,
  own: Pick<Vouched, "raw_sha256" | "compressed_sha256">,
  isDryRun: boolean,
) => Promise<string | null>;

export type ProveDeps = Pick<
  UploadDayDeps,
  "store" | "pacer" | "parseManifest" | "vouchedLocally" | "mayBeGone" | "nowUs"
> & {
  /** The bucket has not got a day any more that it had: it must be uploaded again. */
  readonly onMissing: (day: Day, what: string) => void;
};

/** A store that cannot be reached is not asked about each of ten thousand days. */
const silenceMs = 30_000;

/**
 * Resolves with null if the bucket proves at this moment that it has a day: its manifest holds this disk's archive, the object has
 * the size, and the ETag that was compared before, or else the very content; and what was moved to a day beside is there as well.
 * Else with the reason in words. A day that is missing is forgotten here (except by a dry run), so that it is uploaded again.
 */
export function createProve(options: BucketDayOptions, deps: ProveDeps): Prove {
  let silent: { readonly untilUs: number; readonly why: string } | null = null;

  async function prove(day: Day, own: Vouched, isDryRun: boolean): Promise<string | null> {
    const found = await lookAt(day, options, deps);
    const record = recordOf(found, options.dataDir);
    if (record?.compressed_sha256 !== own.compressed_sha256) return "it is not uploaded yet";
    if (record.confirmed_us === null) return "its upload is not confirmed yet";
    const what = await missing();
    if (what === null) return null;
    if (!isDryRun) {
      writeRecord(uploadedPath(options.dataDir, day), null);
      deps.onMissing(day, what);
    }
    return `the bucket has not got it any more: ${what}; it is uploaded again`;

    async function missing(): Promise<string | null> {
      if (found.state === null) return "the object is gone";
      if (found.manifest === null) return "its manifest is gone";
      if (found.isSpoilt) return "what lies in place of its manifest is none";
      if (found.vouched === null) return "the object has not the size of its manifest";
      if (!holds(found.vouched, own)) return "the manifest does not hold this archive";
      if ((await compareContent(found, own, options, deps)) === "other")
        return "the object is not what its manifest says";
      return (await hasMoved(found.vouched, day, options, deps)) ? null : "rows that lay in the day beside are gone";
    }
  }

  return async (day, { compressed_sha256 }, isDryRun) => {
    if (silent !== null && deps.nowUs() < silent.untilUs) return silent.why;
    silent = null;
    try {
      const own = deps.vouchedLocally(day);
      if (own?.compressed_sha256 !== compressed_sha256) return "it is being merged again";
      return await prove(day, own, isDryRun);
    } catch (error) {
      const why = `the bucket cannot be asked for it: ${messageOf(error)}`;
      if (error instanceof StoreProblem && error.scope === "store" && codeOf(error) !== "Stopped")
        silent = { untilUs: deps.nowUs() + silenceMs * 1000, why };
      return why;
    }
  };
}
