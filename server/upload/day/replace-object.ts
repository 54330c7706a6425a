import { dirname } from "node:path";
import type { Day } from "../../domain/day.ts";
import { mkdirSync, rmSync } from "../../platform/files/files.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { ObjectState } from "../store/object-store.ts";
import { textBody } from "../store/signed-request.ts";
import { mismatch, overtaken } from "../store/store-errors.ts";
import {
  type Replacing,
  readRecord,
  replacingPath,
  type Uploaded,
  uploadingPath,
  writeRecord,
} from "../upload-record.ts";
import {
  type BucketDay,
  type BucketDayDeps,
  type BucketDayOptions,
  isChecksum,
  lookAt,
  manifestAt,
  type Vouched,
} from "./bucket-day.ts";
import { isOvertaken, uploadFile } from "./upload-file.ts";

/*
 * How an object is replaced. Old pair A1 + M1, new pair A2 + M2. A manifest in the bucket never names an archive that is not there.
 *
 *   step                                          bucket afterwards
 *   1. A2 is sent, except for the final request   A1 M1
 *   2. the next steps are saved on this disk      A1 M1   (replacing.json: A1's ETag, M1, A2's SHA-256, M2)
 *   3. M1 is removed                              A1
 *   4. A2 replaces A1                             A2      (If-Match A1, if the store supports it)
 *   5. A2 is compared with the sent bytes         A2
 *   6. M2 is written                              A2 M2   (If-None-Match *)
 *
 * After a crash, `finishReplacing` checks which archive is there:
 *
 *   A1: M1 is written back; the upload starts again
 *   A2: M2 is written
 *   neither: another recorder has replaced the object; the bucket stays as it is
 */

export type ReplaceOptions = BucketDayOptions;
export type ReplaceDeps = BucketDayDeps & { readonly onProgress: (bytes: number) => void };

/** The object in the bucket after an upload, for the record of the upload. */
export type Placed = {
  readonly state: ObjectState;
  readonly sha256: string;
  readonly verifiedBy: Uploaded["verified_by"];
};

/** Replaces the bucket's archive and manifest of a day by the archive at `path` and its manifest. @throws StoreProblem */
export async function replaceObject(
  bucketDay: BucketDay,
  file: { readonly path: string; readonly vouched: Vouched },
  options: ReplaceOptions,
  deps: ReplaceDeps,
): Promise<Placed> {
  const { key, manifestKey, target, state, day } = bucketDay;
  const { compressed_bytes: bytes, compressed_sha256: sha256, text } = file.vouched;
  const journal = replacingPath(options.dataDir, day);
  const etag = state?.etag ?? null;
  const upload = {
    path: file.path,
    key,
    bytes,
    sha256,
    target,
    condition: state === null ? ("absent" as const) : { is: state.etag },
    journal: uploadingPath(options.dataDir, day),
    async beforeChange() {
      const manifest = await manifestAt(manifestKey, deps.store);
      if (manifest?.etag !== bucketDay.manifest?.etag) throw overtaken(manifestKey);
      mkdirSync(dirname(journal), { recursive: true });
      writeRecord(journal, { target, etag, manifest: manifest?.text || null, sha256, next: text } satisfies Replacing);
      if (manifest !== null) await deps.store.remove(manifestKey);
    },
  };
  const placed = await uploadFile(upload, { ...deps, partBytes: options.partBytes }).catch(async (error: unknown) => {
    // Restore the manifest now: the next attempt may be an hour away.
    if (isOvertaken(error)) await finishReplacing(day, options, deps).catch(() => {});
    throw error;
  });
  const newState = { bytes, etag: placed.etag };
  await putManifest({ ...bucketDay, state: newState, manifest: null }, text, deps);
  removeRecord(options.dataDir, day);
  return { state: newState, sha256, verifiedBy: placed.verifiedBy };
}

/**
 * Writes a manifest beside the archive that was found and replaces the manifest that was found. Then checks that the archive has not
 * changed.
 *
 * @throws StoreProblem
 */
export async function putManifest(bucketDay: BucketDay, text: string, { store }: BucketDayDeps): Promise<void> {
  const { key, manifestKey, manifest, state } = bucketDay;
  const condition = manifest === null ? ("absent" as const) : manifest.etag === "" ? null : { is: manifest.etag };
  await store.put(manifestKey, textBody(text), condition);
  if ((await store.readText(manifestKey))?.text !== text) throw mismatch(manifestKey, "it differs from the sent text");
  if ((await store.stat(key))?.etag !== state?.etag) throw overtaken(key);
}

/** Completes or undoes a replacement that a crash or failure interrupted, so that no archive stays without its manifest. */
export async function finishReplacing(day: Day, options: ReplaceOptions, deps: BucketDayDeps): Promise<void> {
  const record = readRecord<Replacing>(replacingPath(options.dataDir, day));
  if (record === null) return;
  const bucketDay = await lookAt(day, options, deps);
  const { state } = bucketDay;
  if (record.target === bucketDay.target && bucketDay.manifest === null && state !== null) {
    if (state.etag === record.etag && isChecksum(state.etag)) {
      if (record.manifest !== null) await putManifest(bucketDay, record.manifest, deps);
    } else {
      const sha256 = await sha256OfObject(deps.store, bucketDay.key, state, deps.pacer);
      const oldManifest = record.manifest === null ? null : deps.parseManifest(record.manifest, day);
      if (sha256 === record.sha256) await putManifest(bucketDay, record.next, deps);
      else if (sha256 === oldManifest?.compressed_sha256 && record.manifest !== null)
        await putManifest(bucketDay, record.manifest, deps);
    }
  }
  removeRecord(options.dataDir, day);
}

function removeRecord(dataDir: string, day: Day): void {
  rmSync(dirname(replacingPath(dataDir, day)), { recursive: true, force: true });
}
