import { archivePath, type Day } from "../../domain/day.ts";
import { codeOf } from "../../platform/errors.ts";
import { existsSync } from "../../platform/files/files.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { Unsettled } from "../unsettled.ts";
import { type Uploaded, uploadedPath, writeRecord } from "../upload-record.ts";
import {
  type BucketDay,
  type BucketDayOptions,
  compareContent,
  holds,
  isChecksum,
  isPlain,
  lookAt,
  recordOf,
  type Vouched,
} from "./bucket-day.ts";
import { type CombineDeps, combineDay } from "./combine-day.ts";
import { dayBeside, overlapping, unlessRefused } from "./day-borders.ts";
import { finishReplacing, type Placed, putManifest, replaceObject } from "./replace-object.ts";
import { isBorderOpen, settleBorders } from "./settle-borders.ts";
import { etagOfFile } from "./upload-file.ts";

/**
 * The result of one visit to a day.
 *
 *   "uploaded"   the bucket has this disk's archive now
 *   "combined"   the bucket has a combination with another recorder's archive now
 *   "found"      the bucket already had the archive
 *   "confirmed"  the archive is still in the bucket, `settleMs` after its upload
 *   "waits"      another recorder is replacing the object, or the day is being merged again on this disk
 *   "gone"       the day is not on this disk any more
 */
export type DayOutcome = "uploaded" | "combined" | "found" | "confirmed" | "waits" | "gone";

export type UploadDayOptions = BucketDayOptions & {
  /** Longer than another recorder can take between its last check of an object and its change, ms. */
  readonly settleMs: number;
};

export type UploadDayDeps = CombineDeps & {
  readonly nowUs: () => number;
  /** Reads the day's manifest on this disk; null if absent. @throws if it cannot be read */
  readonly vouchedLocally: (day: Day) => Vouched | null;
  /** Objects without a manifest. */
  readonly unsettled: Unsettled;
  /** True if the bucket may have removed a day because of its age; its rows are not expected then. */
  readonly mayBeGone: (day: Day) => boolean;
  /** An object in the bucket was changed or removed from outside. */
  readonly onTrouble: (day: Day, problem: string) => void;
};

/**
 * Uploads a day to the bucket, or confirms that it is still there. The archive is uploaded first, the manifest after the archive was
 * verified. If the bucket has another recorder's archive, both are combined.
 *
 * Two recorders at once: each combines its archive with the object that it saw, and replaces only that object (If-Match). The
 * slower recorder starts again with the new object. A store that ignores conditions may let the slower recorder overwrite the rows of
 * the faster one. Therefore an upload counts only after it was confirmed `settleMs` later: a recorder that is missing from the manifest
 * by then adds its archive again. Until then the archive stays on this disk.
 *
 * @throws StoreProblem or a file's error
 */
export async function uploadDay(day: Day, options: UploadDayOptions, deps: UploadDayDeps): Promise<DayOutcome> {
  await finishReplacing(day, options, deps);
  const own = deps.vouchedLocally(day);
  if (own === null) {
    if (isBorderOpen(options.dataDir, day)) await settleBorders(day, null, options, deps);
    return "gone";
  }
  try {
    return await uploadOrConfirm(await lookAt(day, options, deps), own, options, deps);
  } catch (error) {
    // The day was merged again meanwhile, and is queued again by that.
    if (deps.vouchedLocally(day)?.compressed_sha256 !== own.compressed_sha256) return "waits";
    throw error;
  }
}

async function uploadOrConfirm(
  bucketDay: BucketDay,
  own: Vouched,
  options: UploadDayOptions,
  deps: UploadDayDeps,
): Promise<DayOutcome> {
  const { day, state, vouched } = bucketDay;
  const record = recordOf(bucketDay, options.dataDir);
  const before = record?.compressed_sha256 === own.compressed_sha256 ? record : null;
  const reportTrouble = (problem: string) => deps.onTrouble(day, problem);
  const path = archivePath(options.dataDir, day);

  if (vouched !== null && holds(vouched, own)) {
    if (isPlain(vouched, own) && vouched.text !== own.text) {
      // The rows are the same, but this disk's manifest is newer.
      await putManifest(bucketDay, own.text, deps);
    }
    if (before !== null && deps.nowUs() - before.uploaded_us < options.settleMs * 1000) return "waits";
    const compared = await compare(bucketDay, own, options, deps);
    if (compared !== "other" && (await hasMoved(vouched, day, options, deps))) {
      const settled = await settleBorders(day, own, options, deps);
      if (!settled) return "waits";
      const by = compared === "known" ? before?.verified_by : compared;
      recordFound(settled, (before !== null ? by : null) ?? "manifest", before);
      return before === null ? "found" : "confirmed";
    }
    reportTrouble(
      compared === "other" ? "the object does not match its manifest" : "rows moved to the adjacent day are gone",
    );
  } else if (before !== null && before.confirmed_us !== null) {
    reportTrouble(state === null ? "the object is gone" : "the manifest no longer includes this archive");
  }

  if (state !== null && vouched === null && (await isOwnContent(bucketDay, own, options, deps))) {
    // An earlier run ended after the archive and before the manifest.
    await putManifest(bucketDay, own.text, deps);
    recordFound({ ...bucketDay, vouched: own }, "read_back", null);
    return "found";
  }
  if (
    state !== null &&
    vouched === null &&
    !bucketDay.isSpoilt &&
    !deps.unsettled.isOver(bucketDay.key, state.etag, options.settleMs)
  )
    return "waits";
  const isVouched = vouched !== null && (await compare(bucketDay, own, options, deps)) !== "other";
  if (vouched !== null && !isVouched && !holds(vouched, own)) reportTrouble("the object does not match its manifest");

  const mine = state === null || (isVouched && vouched !== null && replaces(own, vouched));
  const spans = mine ? [own.ids] : [own.ids, isVouched ? (vouched?.ids ?? null) : null];
  const adjacent = await overlapping(day, spans, mine, options, deps);
  if (mine && adjacent.before === null && adjacent.after === null) {
    recordPlaced(await replaceObject(bucketDay, { path, vouched: own }, options, deps));
    return "uploaded";
  }
  const known = isVouched ? bucketDay : { ...bucketDay, vouched: null };
  const combined = await combineDay(known, { path, vouched: own }, adjacent, options, deps);
  if (combined.kind === "unvouched") return "waits";
  if (combined.kind === "unreadable") {
    reportTrouble(
      `the object is damaged (${combined.reason}); a copy was kept at ${combined.path}, and it was replaced`,
    );
    recordPlaced(await replaceObject(bucketDay, { path, vouched: own }, options, deps));
    return "uploaded";
  }
  recordPlaced(combined.placed);
  await settleBorders(day, own, options, deps);
  return mine ? "uploaded" : "combined";

  function recordPlaced({ state: newState, sha256, verifiedBy }: Placed): void {
    deps.unsettled.forget(bucketDay.key);
    writeUploaded(newState, sha256, verifiedBy, null);
  }

  function recordFound(at: BucketDay, verifiedBy: Uploaded["verified_by"], earlier: Uploaded | null): void {
    deps.unsettled.forget(bucketDay.key);
    if (at.state !== null && at.vouched !== null)
      writeUploaded(at.state, at.vouched.compressed_sha256, verifiedBy, earlier);
  }

  function writeUploaded(
    newState: { readonly bytes: number; readonly etag: string },
    object_sha256: string,
    verified_by: Uploaded["verified_by"],
    earlier: Uploaded | null,
  ): void {
    if (!existsSync(path)) return;
    const now = deps.nowUs();
    writeRecord(uploadedPath(options.dataDir, day), {
      target: bucketDay.target,
      compressed_sha256: own.compressed_sha256,
      object_sha256,
      etag: newState.etag,
      bytes: newState.bytes,
      verified_by,
      uploaded_us: earlier?.uploaded_us ?? now,
      confirmed_us: earlier === null ? null : now,
      proved_us: now,
    });
  }
}

/** Works like `compareContent`, but does not read an object again that did not match, as long as its ETag is the same. */
function compare(bucketDay: BucketDay, own: Vouched, options: UploadDayOptions, deps: UploadDayDeps) {
  const { unsettled, store, pacer } = deps;
  return compareContent(bucketDay, own, options, {
    ...deps,
    async read({ key, state, vouched }) {
      const known = unsettled.contentOf(key, state.etag);
      const sha256 = known ?? (await sha256OfObject(store, key, state, pacer));
      if (sha256 !== vouched.compressed_sha256) unsettled.noteContent(key, state.etag, sha256);
      return sha256;
    },
  });
}

/** Error codes of an object that is absent, or whose content is not as long as the store stated. */
const notWhole = new Set(["Mismatch", "NoSuchKey", "TooLarge"]);

/** Returns true if rows that were moved to an adjacent day are still in the bucket. */
export async function hasMoved(
  { borders }: Vouched,
  day: Day,
  options: BucketDayOptions,
  deps: Pick<UploadDayDeps, "store" | "pacer" | "parseManifest" | "vouchedLocally" | "mayBeGone" | "isAgain">,
): Promise<boolean> {
  const orRefused = unlessRefused(deps.isAgain ?? false);
  for (const [border, days] of [
    [borders.before, -1],
    [borders.after, 1],
  ] as const) {
    const adjacent = dayBeside(day, days);
    if (!border?.moved || deps.mayBeGone(adjacent)) continue;
    // An object that may not be read (for example in cold storage) still counts as present. An incomplete object does not.
    const bucketDay = await lookAt(adjacent, options, deps).catch(orRefused);
    const compared =
      bucketDay &&
      (await compareContent(bucketDay, null, options, deps).catch((error: unknown) =>
        notWhole.has(codeOf(error) ?? "") ? "other" : orRefused(error),
      ));
    if (compared === "other") return false;
  }
  return true;
}

/** Returns true if this disk's archive contains all sources of the bucket's archive, so that it may replace it. */
function replaces(own: Vouched, { raw_sha256, sources }: Vouched): boolean {
  const parts = sources.length === 0 ? [raw_sha256] : sources;
  return parts.every((sha256) => sha256 === own.raw_sha256 || own.contains.includes(sha256));
}

/** Returns true if an object without a manifest is this disk's archive. An object is not read again while its ETag is the same. */
async function isOwnContent(
  { key, state, day }: BucketDay,
  own: Vouched,
  options: UploadDayOptions,
  deps: UploadDayDeps,
): Promise<boolean> {
  if (state === null || state.bytes !== own.compressed_bytes) return false;
  const path = archivePath(options.dataDir, day);
  if (isChecksum(state.etag) && state.etag === (await etagOfFile(path, state.bytes, options.partBytes))) return true;
  const known = deps.unsettled.contentOf(key, state.etag);
  const sha256 = known ?? (await sha256OfObject(deps.store, key, state, deps.pacer));
  deps.unsettled.noteContent(key, state.etag, sha256);
  return sha256 === own.compressed_sha256;
}
