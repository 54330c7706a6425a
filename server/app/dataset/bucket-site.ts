import { basename, dirname, join } from "node:path";
import type { BucketSite } from "../../dataset/bucket-day.ts";
import { datasetFolder, datasetName } from "../../dataset/dataset-paths.ts";
import { createDatasetTables } from "../../dataset/tables.ts";
import { type Day, dayBefore } from "../../domain/day.ts";
import { endsInGap } from "../../domain/gap.ts";
import { codeOf, FileError } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { mkdirSync, statSync } from "../../platform/files/files.ts";
import { type Manifest, parseManifest } from "../../storage/manifest.ts";
import { lookAt } from "../../upload/day/bucket-day.ts";
import { abandonParts, etagOfFile, isOvertaken, uploadFile } from "../../upload/day/upload-file.ts";
import { download, sha256OfObject } from "../../upload/store/object-content.ts";
import { mismatch } from "../../upload/store/store-errors.ts";
import { readRecord, type Uploading, writeRecord } from "../../upload/upload-record.ts";
import type { BucketAccess } from "../data/bucket-access.ts";
import { createBucketStore } from "./bucket-store.ts";

export type BucketSiteDeps = {
  readonly dataDir: string;
  readonly nowMs: () => number;
  readonly pacer: BandwidthLimit;
  /** This recorder's id in manifests; null without an id. */
  readonly ownId: string | null;
  /** True: days that this recorder recorded together with others expire as well. */
  readonly shared: boolean;
};

/** Connects the dataset to the bucket. */
export function createBucketSite(bucket: BucketAccess, deps: BucketSiteDeps): BucketSite {
  const { store, options, parseManifest: vouchedOf } = bucket;
  const { dataDir, pacer } = deps;
  const root = `${options.prefix}${datasetName}`;
  const journals = join(datasetFolder(dataDir), ".uploading");
  const journalOf = (path: string) => join(journals, `${basename(path)}.json`);

  /** Returns true if an object of this name has the content of the file: an earlier attempt has uploaded it. */
  async function isSame(key: string, local: string, sha256: string): Promise<boolean> {
    const state = await store.stat(key);
    const { size } = statSync(local);
    if (state === null || state.bytes !== size) return false;
    if (state.etag === (await etagOfFile(local, size, options.partBytes))) return true;
    return (await sha256OfObject(store, key, state, pacer)) === sha256;
  }

  async function manifestOf(day: Day): Promise<Manifest | null> {
    const { vouched } = await lookAt(day, options, { store, parseManifest: vouchedOf });
    return vouched === null ? null : parseManifest(vouched.text);
  }

  return {
    tables: createDatasetTables((name) => createBucketStore(store, `${root}/${name}`), deps.nowMs),
    async archivedDay(day) {
      const manifest = await manifestOf(day);
      if (manifest === null) return null;
      const earlier = await manifestOf(dayBefore(day));
      const startsAfterGap = earlier !== null && endsInGap(earlier.gaps, earlier.last_recv_us);
      return { day, manifest, startsAfterGap };
    },
    async download({ day, manifest }, path) {
      const { key, state } = await lookAt(day, options, { store, parseManifest: vouchedOf });
      if (state === null) throw mismatch(key, "it is gone");
      if ((await download(store, key, state, path, pacer)) !== manifest.compressed_sha256)
        throw new FileError("read", key, "the archive in the bucket is not what its manifest says");
    },
    async upload({ local, table, path, sha256 }) {
      const key = `${root}/${table}/${path}`;
      const target = `${options.endpoint}/${options.bucket}/${key}`;
      const file = { path: local, key, bytes: statSync(local).size, sha256, target, condition: "absent" as const };
      mkdirSync(dirname(journalOf(path)), { recursive: true });
      const sending = { store, pacer, partBytes: options.partBytes, onProgress: () => {} };
      try {
        await uploadFile({ ...file, journal: journalOf(path) }, sending);
      } catch (error) {
        if (!isOvertaken(error) || !(await isSame(key, local, sha256))) throw error;
      }
    },
    async discard(table, path) {
      const key = `${root}/${table}/${path}`;
      const unfinished = readRecord<Uploading>(journalOf(path));
      if (unfinished !== null) await abandonParts(store, key, unfinished.upload_id);
      writeRecord(journalOf(path), null);
      await store.remove(key).catch((error: unknown) => {
        if (codeOf(error) !== "NoSuchKey") throw error;
      });
    },
    mayExpire({ tags }) {
      const recorders = (tags.recorders ?? "").split(" ");
      const isMine = (id: string) => id !== "" && id === deps.ownId;
      return deps.shared ? recorders.some(isMine) : recorders.every(isMine);
    },
  };
}
