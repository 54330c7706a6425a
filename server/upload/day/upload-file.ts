import { codeOf } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../../platform/fetch/bandwidth-limit.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { Condition, ObjectStore } from "../store/object-store.ts";
import { mismatch, overtaken } from "../store/store-errors.ts";
import { readRecord, type Uploading, writeRecord } from "../upload-record.ts";
import { fileBody, type OpenFile, readSlices, withFile } from "./file-slices.ts";

/** The upload of one file to one object. */
export type FileUpload = {
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
  /** Expected SHA-256 of the file. */
  readonly sha256: string;
  /** State that the object must have before the upload. */
  readonly condition: Condition;
  /** Path of the record of a multipart upload, so that the next start can continue it. */
  readonly journal: string;
  /** `endpoint/bucket/key`. */
  readonly target: string;
  /** Called right before the request that changes the object. */
  readonly beforeChange?: () => Promise<void>;
};

/** An upload whose file is open, so that all its bytes come from the same file. */
type OpenUpload = FileUpload & { readonly file: OpenFile };

export type FileUploadDeps = {
  readonly store: ObjectStore;
  readonly pacer: BandwidthLimit;
  /** Size of a part of a multipart upload; at least 5 MiB for S3. Files up to twice this size are sent in one request. */
  readonly partBytes: number;
  readonly onProgress: (bytes: number) => void;
};

/** S3 accepts 10,000 parts. */
const mostParts = 9_000;

/**
 * Uploads a file and verifies the object: by its ETag, which S3 makes of MD5s, or by reading the object back if the ETag is of
 * another kind (encryption with customer keys).
 *
 * @throws StoreProblem: `PreconditionFailed` if the condition does not hold, `Mismatch` if the file does not match its manifest
 */
export async function uploadFile(
  upload: FileUpload,
  deps: FileUploadDeps,
): Promise<{ etag: string; verifiedBy: "etag" | "read_back" }> {
  const { store, partBytes } = deps;
  const etag = await withFile(upload.path, (file) => {
    const opened = { ...upload, file };
    return isWhole(upload.bytes, partBytes) ? uploadWhole(opened, deps) : uploadParts(opened, deps);
  });
  const state = await store.stat(upload.key);
  if (state === null || state.bytes !== upload.bytes)
    throw mismatch(upload.key, `the store has ${state?.bytes ?? "none"} of ${upload.bytes} bytes`);
  if (state.etag === etag) return { etag: state.etag, verifiedBy: "etag" };
  if ((await sha256OfObject(store, upload.key, state, deps.pacer)) !== upload.sha256)
    throw mismatch(upload.key, "the store returns other bytes than were sent");
  return { etag: state.etag, verifiedBy: "read_back" };
}

/** Computes the ETag that S3 gives a file uploaded by `uploadFile`. */
export function etagOfFile(path: string, bytes: number, partBytes: number): Promise<string> {
  return withFile(path, async (file) => {
    const joined = new Bun.CryptoHasher("md5");
    const size = isWhole(bytes, partBytes) ? bytes : partSizeFor(bytes, partBytes);
    let count = 0;
    for (let from = 0; from < bytes || count === 0; from += size, count++) {
      const md5 = new Bun.CryptoHasher("md5");
      for await (const slice of readSlices(file, from, Math.min(bytes, from + size))) md5.update(slice);
      if (isWhole(bytes, partBytes)) return md5.digest("hex");
      joined.update(md5.digest());
    }
    return `${joined.digest("hex")}-${count}`;
  });
}

function isWhole(bytes: number, partBytes: number): boolean {
  return bytes <= 2 * partBytes;
}

/** Uploads a file in one request; returns the ETag that S3 should give it. */
async function uploadWhole(upload: OpenUpload, { store, pacer, onProgress }: FileUploadDeps): Promise<string> {
  const sha256 = new Bun.CryptoHasher("sha256");
  const md5 = new Bun.CryptoHasher("md5");
  for await (const slice of readSlices(upload.file, 0, upload.bytes)) {
    sha256.update(slice);
    md5.update(slice);
  }
  refuseOther(upload, sha256.digest("hex"));
  const digest = md5.digest();
  const body = fileBody(upload.file, { from: 0, to: upload.bytes, md5: digest }, async (slice) => {
    await pacer.acquire(slice.length);
    onProgress(slice.length);
  });
  await refuseOvertaken(upload, store);
  await upload.beforeChange?.();
  await store.put(upload.key, body, upload.condition);
  return digest.toString("hex");
}

async function uploadParts(upload: OpenUpload, deps: FileUploadDeps): Promise<string> {
  const { store, pacer, onProgress } = deps;
  const { key, file, bytes } = upload;
  let journal = await continueOrBegin(upload, deps);
  const count = Math.ceil(bytes / journal.part_bytes);
  const sha256 = new Bun.CryptoHasher("sha256");
  const joined = new Bun.CryptoHasher("md5");
  for (let index = 0; index < count; index++) {
    const from = index * journal.part_bytes;
    const to = Math.min(bytes, from + journal.part_bytes);
    const md5 = new Bun.CryptoHasher("md5");
    for await (const slice of readSlices(file, from, to)) for (const hash of [sha256, md5]) hash.update(slice);
    const digest = md5.digest();
    joined.update(digest);
    const storedPart = journal.parts[index];
    if (storedPart !== undefined) {
      if (digest.toString("hex") === storedPart.md5) continue;
      await abandon(upload, journal, store);
      throw mismatch(key, "the file changed after its upload started; the upload starts again");
    }
    const body = fileBody(file, { from, to, md5: digest }, async (slice) => {
      await pacer.acquire(slice.length);
      onProgress(slice.length);
    });
    const etag = await orForget(upload, store.putPart(key, journal.upload_id, index + 1, body));
    journal = { ...journal, parts: [...journal.parts, { etag, md5: digest.toString("hex") }] };
    writeRecord(upload.journal, journal);
  }
  try {
    refuseOther(upload, sha256.digest("hex"));
    await refuseOvertaken(upload, store);
    await upload.beforeChange?.();
    const list = journal.parts.map(({ etag }, index) => ({ number: index + 1, etag }));
    await orForget(upload, store.completeParts(key, journal.upload_id, list, upload.condition));
  } catch (error) {
    if (codeOf(error) === "Mismatch" || isOvertaken(error)) await abandon(upload, journal, store);
    throw error;
  }
  writeRecord(upload.journal, null);
  return `${joined.digest("hex")}-${count}`;
}

/**
 * Returns the started upload of the same bytes, or starts a new upload. An upload of other bytes is aborted, so that the store does not
 * charge for its parts.
 */
async function continueOrBegin(upload: FileUpload, { store, partBytes }: FileUploadDeps): Promise<Uploading> {
  const record = readRecord<Uploading>(upload.journal);
  if (record !== null && record.target === upload.target && record.sha256 === upload.sha256) return record;
  if (record !== null && record.target === upload.target) await abandon(upload, record, store);
  const upload_id = await store.beginParts(upload.key);
  const { target, sha256 } = upload;
  const started = { target, upload_id, sha256, part_bytes: partSizeFor(upload.bytes, partBytes), parts: [] };
  writeRecord(upload.journal, started);
  return started;
}

async function abandon(upload: FileUpload, journal: Uploading, store: ObjectStore): Promise<void> {
  await abandonParts(store, upload.key, journal.upload_id);
  writeRecord(upload.journal, null);
}

/** Removes the parts of an upload from the store. Ignores an unknown upload, and a store that cannot abort. */
export async function abandonParts(store: ObjectStore, key: string, uploadId: string): Promise<void> {
  await store.abortParts(key, uploadId).catch((error: unknown) => {
    if (!["NoSuchUpload", "NoSuchKey", "NotImplemented", "MethodNotAllowed"].includes(codeOf(error) ?? "")) throw error;
  });
}

/** Removes the local record if the store does not know the upload any more, so that the next attempt starts again. */
async function orForget<T>(upload: FileUpload, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "NoSuchUpload" || codeOf(error) === "InvalidPart") writeRecord(upload.journal, null);
    throw error;
  }
}

/** Returns true if the condition of an upload did not hold, because another recorder was faster. */
export function isOvertaken(error: unknown): boolean {
  return codeOf(error) === "PreconditionFailed" || codeOf(error) === "ConditionalRequestConflict";
}

/**
 * Checks the condition here as well, because some stores ignore conditions. The seconds between this check and the change remain
 * unprotected there; the confirmation of the upload finds such a conflict.
 */
async function refuseOvertaken({ key, condition }: FileUpload, store: ObjectStore): Promise<void> {
  if (condition === null) return;
  const current = (await store.stat(key))?.etag ?? "absent";
  if (current !== (condition === "absent" ? condition : condition.is)) throw overtaken(key);
}

function partSizeFor(bytes: number, partBytes: number): number {
  return Math.max(partBytes, Math.ceil(bytes / mostParts));
}

function refuseOther(upload: FileUpload, sha256: string): void {
  if (sha256 === upload.sha256) return;
  throw mismatch(upload.key, `${upload.path} does not match its manifest; run \`rt-data verify\``);
}
