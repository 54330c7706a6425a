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

/** What became of a day. "waits": another recorder is replacing it at this moment, or it is being merged again here. */
export type DayOutcome = "uploaded" | "united" | "found" | "confirmed" | "waits" | "gone";

export type UploadDayOptions = BucketDayOptions & {
  /** Longer than any other recorder can take from its last look at an object to the change of it, ms. */
  readonly settleMs: number;
};

export type UploadDayDeps = CombineDeps & {
  readonly nowUs: () => number;
  /** The day's manifest on this disk, or null. Throws if it cannot be read. */
  readonly vouchedLocally: (day: Day) => Vouched | null;
  /** Objects that nothing vouches for, since when. */
  readonly unsettled: Unsettled;
  /** The bucket may have dropped a day because of its age; it is not waited for. */
  readonly mayBeGone: (day: Day) => boolean;
  /** Something in the bucket is not as it was left there. */
  readonly onTrouble: (day: Day, what: string) => void;
};

/**
 * Brings a day into the bucket, archive first, manifest once the archive is verified, or confirms that it still is there. If
 * another recorder's archive is there, the object becomes the union of both. Rejects with a StoreProblem or a file's error.
 *
 * Two recorders at once: each makes its union from the object that it has seen, and replaces only that one (If-Match; the loser
 * begins again with the winner's union). On a store that ignores conditions the later one may take away what the earlier one had
 * added; therefore an upload counts only once it is confirmed, `settleMs` later: whoever does not find itself in the manifest by
 * then adds itself again. The archive on this disk is kept until that.
 */
export async function uploadDay(day: Day, options: UploadDayOptions, deps: UploadDayDeps): Promise<DayOutcome> {
  await finishReplacing(day, options, deps);
  const own = deps.vouchedLocally(day);
  if (own === null) {
    if (isBorderOpen(options.dataDir, day)) await settleBorders(day, null, options, deps);
    return "gone";
  }
  try {
    return await bringDay(await lookAt(day, options, deps), own, options, deps);
  } catch (error) {
    // Merged again meanwhile: it comes back by itself.
    if (deps.vouchedLocally(day)?.compressed_sha256 !== own.compressed_sha256) return "waits";
    throw error;
  }
}

async function bringDay(
  found: BucketDay,
  own: Vouched,
  options: UploadDayOptions,
  deps: UploadDayDeps,
): Promise<DayOutcome> {
  const { day, state, vouched } = found;
  const record = recordOf(found, options.dataDir);
  const before = record?.compressed_sha256 === own.compressed_sha256 ? record : null;
  const trouble = (what: string) => deps.onTrouble(day, what);
  const path = archivePath(options.dataDir, day);

  if (vouched !== null && holds(vouched, own)) {
    if (isPlain(vouched, own) && vouched.text !== own.text) {
      // The same rows, of which more is known by now.
      await putManifest(found, own.text, deps);
    }
    if (before !== null && deps.nowUs() - before.uploaded_us < options.settleMs * 1000) return "waits";
    const compared = await compare(found, own, options, deps);
    if (compared !== "other" && (await hasMoved(vouched, day, options, deps))) {
      const settled = await settleBorders(day, own, options, deps);
      if (!settled) return "waits";
      const by = compared === "known" ? before?.verified_by : compared;
      note(settled, (before !== null ? by : null) ?? "manifest", before);
      return before === null ? "found" : "confirmed";
    }
    trouble(
      compared === "other" ? "the object is not what its manifest says" : "rows that lay in the day beside are gone",
    );
  } else if (before !== null && before.confirmed_us !== null) {
    trouble(state === null ? "the object is gone" : "the manifest does not hold this archive any more");
  }

  if (state !== null && vouched === null && (await isOwnContent(found, own, options, deps))) {
    // We were ended between archive and manifest.
    await putManifest(found, own.text, deps);
    note({ ...found, vouched: own }, "read_back", null);
    return "found";
  }
  if (
    state !== null &&
    vouched === null &&
    !found.isSpoilt &&
    !deps.unsettled.isOver(found.key, state.etag, options.settleMs)
  )
    return "waits";
  const isVouched = vouched !== null && (await compare(found, own, options, deps)) !== "other";
  if (vouched !== null && !isVouched && !holds(vouched, own)) trouble("the object is not what its manifest says");

  const mine = state === null || (isVouched && vouched !== null && replaces(own, vouched));
  const spans = mine ? [own.ids] : [own.ids, isVouched ? (vouched?.ids ?? null) : null];
  const beside = await overlapping(day, spans, mine, options, deps);
  if (mine && beside.before === null && beside.after === null) {
    place(await replaceObject(found, { path, vouched: own }, options, deps));
    return "uploaded";
  }
  const known = isVouched ? found : { ...found, vouched: null };
  const united = await combineDay(known, { path, vouched: own }, beside, options, deps);
  if (united.kind === "unvouched") return "waits";
  if (united.kind === "unreadable") {
    trouble(`the object could not be read (${united.reason}); it was kept as ${united.path} and replaced`);
    place(await replaceObject(found, { path, vouched: own }, options, deps));
    return "uploaded";
  }
  place(united.placed);
  await settleBorders(day, own, options, deps);
  return mine ? "uploaded" : "united";

  function place({ state: there, sha256, verifiedBy }: Placed): void {
    deps.unsettled.forget(found.key);
    write(there, sha256, verifiedBy, null);
  }

  function note(at: BucketDay, verifiedBy: Uploaded["verified_by"], earlier: Uploaded | null): void {
    deps.unsettled.forget(found.key);
    if (at.state !== null && at.vouched !== null) write(at.state, at.vouched.compressed_sha256, verifiedBy, earlier);
  }

  function write(
    there: { readonly bytes: number; readonly etag: string },
    object_sha256: string,
    verified_by: Uploaded["verified_by"],
    earlier: Uploaded | null,
  ): void {
    if (!existsSync(path)) return;
    const now = deps.nowUs();
    writeRecord(uploadedPath(options.dataDir, day), {
      target: found.target,
      compressed_sha256: own.compressed_sha256,
      ...{ object_sha256, etag: there.etag, bytes: there.bytes, verified_by },
      uploaded_us: earlier?.uploaded_us ?? now,
      confirmed_us: earlier === null ? null : now,
      proved_us: now,
    });
  }
}

/** As `compareContent`; an object that was read and is something else is not read again as long as its ETag is the same. */
function compare(found: BucketDay, own: Vouched, options: UploadDayOptions, deps: UploadDayDeps) {
  const { unsettled, store, pacer } = deps;
  return compareContent(found, own, options, {
    ...deps,
    async read({ key, state, vouched }) {
      const known = unsettled.contentOf(key, state.etag);
      const sha256 = known ?? (await sha256OfObject(store, key, state, pacer));
      if (sha256 !== vouched.compressed_sha256) unsettled.noteContent(key, state.etag, sha256);
      return sha256;
    },
  });
}

/** Codes of an object whose content was asked for and is not as long as the store said, or not there at all. */
const notWhole = new Set(["Mismatch", "NoSuchKey", "TooLarge"]);

/** Are rows that were left out, since they belong to a day beside, still there? */
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
    const beside = dayBeside(day, days);
    if (!border?.moved || deps.mayBeGone(beside)) continue;
    // One that may not be read (in a glacier, say) is there all the same; one that was read and is not whole is not.
    const found = await lookAt(beside, options, deps).catch(orRefused);
    const compared =
      found &&
      (await compareContent(found, null, options, deps).catch((error: unknown) =>
        notWhole.has(codeOf(error) ?? "") ? "other" : orRefused(error),
      ));
    if (compared === "other") return false;
  }
  return true;
}

/** Does this disk's archive contain all that the bucket's one says it holds? */
function replaces(own: Vouched, { raw_sha256, sources }: Vouched): boolean {
  const parts = sources.length === 0 ? [raw_sha256] : sources;
  return parts.every((sha256) => sha256 === own.raw_sha256 || own.contains.includes(sha256));
}

/** Is an object without a manifest this disk's archive? An ETag that is known to be of something else is not read again. */
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
