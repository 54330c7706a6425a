import { codeOf } from "../../platform/errors.ts";
import type { BandwidthLimit } from "../bandwidth-limit.ts";
import { sha256OfObject } from "../store/object-content.ts";
import type { Condition, ObjectStore } from "../store/object-store.ts";
import { mismatch, overtaken } from "../store/store-errors.ts";
import { readRecord, type Uploading, writeRecord } from "../upload-record.ts";
import { fileBody, type OpenFile, readSlices, withFile } from "./file-slices.ts";

/** One file on its way to one object. */
export type FileUpload = {
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
  /** SHA-256 that the file should have. */
  readonly sha256: string;
  /** What the object must be as yet. */
  readonly condition: Condition;
  /** Where a multipart upload is written down, so that the next start goes on with it. */
  readonly journal: string;
  /** `endpoint/bucket/key`. */
  readonly target: string;
  /** Called when all is ready, right before the object changes. */
  readonly beforeChange?: () => Promise<void>;
};

/** With the file opened, so that it is one and the same from its first byte to its last. */
type OpenUpload = FileUpload & { readonly file: OpenFile };

export type FileUploadDeps = {
  readonly store: ObjectStore;
  readonly pacer: BandwidthLimit;
  /** Of a multipart upload; S3 wants 5 MiB at least. Files up to twice as long go in one request. */
  readonly partBytes: number;
  readonly onProgress: (bytes: number) => void;
};

/** S3 takes 10,000 parts. */
const mostParts = 9_000;

/**
 * Uploads a file and compares what the store has then with what was read here: by the MD5s of which S3 makes an ETag, or, where
 * the ETag is of another kind (encryption with own keys), by reading the object again. Rejects with a StoreProblem; the code is
 * `PreconditionFailed` where the condition did not hold, and `Mismatch` where the file is not what its manifest says.
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
    throw mismatch(upload.key, "the store gives back something else than was sent");
  return { etag: state.etag, verifiedBy: "read_back" };
}

/** The ETag that S3 makes of a file that is uploaded as `uploadFile` does it. */
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

/** In one request; returns the ETag that S3 makes of its content. */
async function uploadWhole(upload: OpenUpload, { store, pacer, onProgress }: FileUploadDeps): Promise<string> {
  const sha256 = new Bun.CryptoHasher("sha256");
  const md5 = new Bun.CryptoHasher("md5");
  for await (const slice of readSlices(upload.file, 0, upload.bytes)) {
    sha256.update(slice);
    md5.update(slice);
  }
  refuseOther(upload, sha256.digest("hex"));
  const body = fileBody(upload.file, 0, upload.bytes, async (slice) => {
    await pacer.take(slice.length);
    onProgress(slice.length);
  });
  await refuseOvertaken(upload, store);
  await upload.beforeChange?.();
  await store.put(upload.key, body, upload.condition);
  return md5.digest("hex");
}

async function uploadParts(upload: OpenUpload, deps: FileUploadDeps): Promise<string> {
  const { store, pacer, onProgress } = deps;
  const { key, file, bytes } = upload;
  let journal = await continued(upload, deps);
  const count = Math.ceil(bytes / journal.part_bytes);
  const sha256 = new Bun.CryptoHasher("sha256");
  const joined = new Bun.CryptoHasher("md5");
  for (let index = 0; index < count; index++) {
    const from = index * journal.part_bytes;
    const to = Math.min(bytes, from + journal.part_bytes);
    const md5 = new Bun.CryptoHasher("md5");
    const see = (slice: Uint8Array) => {
      for (const hash of [sha256, md5]) hash.update(slice);
    };
    const arrived = journal.parts[index];
    if (arrived !== undefined) {
      for await (const slice of readSlices(file, from, to)) see(slice);
      const digest = md5.digest();
      if (digest.toString("hex") !== arrived.md5) {
        await abandon(upload, journal, store);
        throw mismatch(key, "the file has changed since its upload was begun; it begins again");
      }
      joined.update(digest);
      continue;
    }
    const body = fileBody(file, from, to, async (slice) => {
      see(slice);
      await pacer.take(slice.length);
      onProgress(slice.length);
    });
    const etag = await orForget(upload, store.putPart(key, journal.upload_id, index + 1, body));
    const digest = md5.digest();
    joined.update(digest);
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

/** The upload that was begun for these very bytes, or a new one; one for other bytes is abandoned, so that nobody pays for its parts. */
async function continued(upload: FileUpload, { store, partBytes }: FileUploadDeps): Promise<Uploading> {
  const found = readRecord<Uploading>(upload.journal);
  if (found !== null && found.target === upload.target && found.sha256 === upload.sha256) return found;
  if (found !== null && found.target === upload.target) await abandon(upload, found, store);
  const upload_id = await store.beginParts(upload.key);
  const { target, sha256 } = upload;
  const begun = { target, upload_id, sha256, part_bytes: partSizeFor(upload.bytes, partBytes), parts: [] };
  writeRecord(upload.journal, begun);
  return begun;
}

async function abandon(upload: FileUpload, journal: Uploading, store: ObjectStore): Promise<void> {
  await abandonParts(store, upload.key, journal.upload_id);
  writeRecord(upload.journal, null);
}

/** Gives the parts of an upload back; one that is gone already, or a store that cannot, is fine. */
export async function abandonParts(store: ObjectStore, key: string, uploadId: string): Promise<void> {
  await store.abortParts(key, uploadId).catch((error: unknown) => {
    if (!["NoSuchUpload", "NoSuchKey", "NotImplemented", "MethodNotAllowed"].includes(codeOf(error) ?? "")) throw error;
  });
}

/** An upload that the store has forgotten (stores give up on old ones) begins again at the next attempt. */
async function orForget<T>(upload: FileUpload, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "NoSuchUpload" || codeOf(error) === "InvalidPart") writeRecord(upload.journal, null);
    throw error;
  }
}

/** True if the condition of an upload did not hold: another recorder was quicker. */
export function isOvertaken(error: unknown): boolean {
  return codeOf(error) === "PreconditionFailed" || codeOf(error) === "ConditionalRequestConflict";
}

/**
 * Asks before the store does, since some stores do not look at conditions: what is left to chance there are the seconds between
 * this and the object's change, and what they cost is found out when the upload is confirmed.
 */
async function refuseOvertaken({ key, condition }: FileUpload, store: ObjectStore): Promise<void> {
  if (condition === null) return;
  const found = (await store.stat(key))?.etag ?? "absent";
  if (found !== (condition === "absent" ? condition : condition.is)) throw overtaken(key);
}

function partSizeFor(bytes: number, partBytes: number): number {
  return Math.max(partBytes, Math.ceil(bytes / mostParts));
}

function refuseOther(upload: FileUpload, sha256: string): void {
  if (sha256 === upload.sha256) return;
  throw mismatch(upload.key, `${upload.path} is not what its manifest says; see \`rt-data verify\``);
}
