import { dirname } from "node:path";
import type { Day } from "../../domain/day.ts";
import { mkdirSync, rmSync } from "../../platform/files/files.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { ObjectState } from "../store/object-store.ts";
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
 * How an object is replaced. Old pair A1 + M1, new pair A2 + M2; a manifest in the bucket never names an archive that is not there:
 *
 *   1. A2 is sent up to its last step        bucket: A1 M1
 *   2. what follows is written down here     bucket: A1 M1      (replacing.json: A1's ETag, M1, A2's SHA-256, M2)
 *   3. M1 is removed                         bucket: A1
 *   4. A2 takes the place of A1              bucket: A2         (If-Match A1, if the store heeds it)
 *   5. A2 is compared with what was sent
 *   6. M2 is written                         bucket: A2 M2      (If-None-Match *)
 *
 * After a crash `finishReplacing` looks which of the two is there: A1 gets M1 back, and all begins anew; A2 gets M2. If it is neither,
 * another recorder has gone on meanwhile.
 */

export type ReplaceOptions = BucketDayOptions;
export type ReplaceDeps = BucketDayDeps & { readonly onProgress: (bytes: number) => void };

/** What the bucket has got, as it goes into the record of an upload. */
export type Placed = {
  readonly state: ObjectState;
  readonly sha256: string;
  readonly verifiedBy: Uploaded["verified_by"];
};

/** Puts the archive at `path` and its manifest in the place of what was found. Rejects with a StoreProblem. */
export async function replaceObject(
  found: BucketDay,
  file: { readonly path: string; readonly vouched: Vouched },
  options: ReplaceOptions,
  deps: ReplaceDeps,
): Promise<Placed> {
  const { key, manifestKey, target, state, day } = found;
  const { compressed_bytes: bytes, compressed_sha256: sha256, text } = file.vouched;
  const journal = replacingPath(options.dataDir, day);
  const etag = state?.etag ?? null;
  const upload = {
    ...{ path: file.path, key, bytes, sha256, target },
    condition: state === null ? ("absent" as const) : { is: state.etag },
    journal: uploadingPath(options.dataDir, day),
    async beforeChange() {
      const manifest = await manifestAt(manifestKey, deps.store);
      if (manifest?.etag !== found.manifest?.etag) throw overtaken(manifestKey);
      mkdirSync(dirname(journal), { recursive: true });
      writeRecord(journal, { target, etag, manifest: manifest?.text || null, sha256, next: text } satisfies Replacing);
      if (manifest !== null) await deps.store.remove(manifestKey);
    },
  };
  const placed = await uploadFile(upload, { ...deps, partBytes: options.partBytes }).catch(async (error: unknown) => {
    // The next attempt may be an hour away, and would find the manifest gone until then.
    if (isOvertaken(error)) await finishReplacing(day, options, deps).catch(() => {});
    throw error;
  });
  const there = { bytes, etag: placed.etag };
  await putManifest({ ...found, state: there, manifest: null }, text, deps);
  forget(options.dataDir, day);
  return { state: there, sha256, verifiedBy: placed.verifiedBy };
}

/**
 * Puts a manifest beside the archive that was found, in the place of the one that was found; then sees to it that the archive is
 * still that one. Rejects with a StoreProblem.
 */
export async function putManifest(found: BucketDay, text: string, { store }: BucketDayDeps): Promise<void> {
  const { key, manifestKey, manifest, state } = found;
  const condition = manifest === null ? ("absent" as const) : manifest.etag === "" ? null : { is: manifest.etag };
  await store.put(manifestKey, { bytes: Buffer.byteLength(text), open: () => text }, condition);
  if ((await store.readText(manifestKey))?.text !== text) throw mismatch(manifestKey, "it is not what was sent");
  if ((await store.stat(key))?.etag !== state?.etag) throw overtaken(key);
}

/** Completes or undoes what a crash or a failure has left of a replacement, so that no archive stays without its manifest. */
export async function finishReplacing(day: Day, options: ReplaceOptions, deps: BucketDayDeps): Promise<void> {
  const left = readRecord<Replacing>(replacingPath(options.dataDir, day));
  if (left === null) return;
  const found = await lookAt(day, options, deps);
  const { state } = found;
  if (left.target === found.target && found.manifest === null && state !== null) {
    if (state.etag === left.etag && isChecksum(state.etag)) {
      if (left.manifest !== null) await putManifest(found, left.manifest, deps);
    } else {
      const sha256 = await sha256OfObject(deps.store, found.key, state, deps.pacer);
      const named = left.manifest === null ? null : deps.parseManifest(left.manifest, day);
      if (sha256 === left.sha256) await putManifest(found, left.next, deps);
      else if (sha256 === named?.compressed_sha256 && left.manifest !== null)
        await putManifest(found, left.manifest, deps);
    }
  }
  forget(options.dataDir, day);
}

function forget(dataDir: string, day: Day): void {
  rmSync(dirname(replacingPath(dataDir, day)), { recursive: true, force: true });
}
