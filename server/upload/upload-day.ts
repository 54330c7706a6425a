import { join } from "node:path";
import { existsSync, mkdirSync, rmSync } from "../platform/files.ts";
import { statfs } from "../platform/files-async.ts";
import { archivePath, type Day, manifestPath } from "../segment.ts";
import { download, sha256OfObject } from "./object-content.ts";
import type { ObjectState, ObjectStore } from "./object-store.ts";
import type { Pacer } from "./pacer.ts";
import { mismatch, StoreProblem } from "./store-problem.ts";
import { uploadFile } from "./upload-file.ts";
import { readRecord, type Uploaded, uploadedPath, uploadingPath, writeRecord } from "./upload-record.ts";

/** What a manifest says of its archive, as far as uploading wants to know. */
export type Vouched = {
  /** The manifest itself, as stored. */
  readonly text: string;
  readonly raw_sha256: string;
  readonly compressed_sha256: string;
  readonly compressed_bytes: number;
  /** `raw_sha256` of every recorder's archive that it is united from; empty for one recorder's own. */
  readonly sources: readonly string[];
};

/** Two recorders' archives of one day, to be made one. */
export type UniteOrder = {
  readonly day: Day;
  /** The other archive, on this disk, and its manifest; null where none vouches for it. */
  readonly other: string;
  readonly otherManifest: string | null;
  /** Where the united archive goes. */
  readonly out: string;
};

/** "same": the other one has every row of ours; its archive may stay as it is, under the new manifest. */
export type United = { readonly kind: "new" | "same"; readonly manifest: string };

/** What became of a day. "waits": another recorder is replacing it at this moment. */
export type DayOutcome = "uploaded" | "united" | "found" | "confirmed" | "waits" | "gone";

export type UploadDayOptions = {
  readonly dataDir: string;
  /** In front of every key; empty, or with a slash at its end. */
  readonly prefix: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly partBytes: number;
  /** Longer than any other recorder can take from its last look at an object to the change of it, ms. */
  readonly settleMs: number;
};

export type UploadDayDeps = {
  readonly store: ObjectStore;
  readonly pacer: Pacer;
  readonly nowUs: () => number;
  /** The day's manifest on this disk, or null. Throws where it cannot be read. */
  readonly vouchedLocally: (day: Day) => Vouched | null;
  readonly parseManifest: (text: string) => Vouched;
  readonly unite: (order: UniteOrder) => Promise<United>;
  readonly onProgress: (bytes: number) => void;
};

/** Key of an object: as the file's path below `archive/`. */
export function keyOf(prefix: string, path: string): string {
  return prefix + path.slice(path.lastIndexOf("/stream=") + 1);
}

/** What stays free beside a union, so that recording goes on. */
const spareBytes = 1e9;

/** Where partial unions lie; worth nothing after a crash. */
export function unionFolder(dataDir: string): string {
  return join(dataDir, "union");
}

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
  const { dataDir, prefix, settleMs } = options;
  const { store } = deps;
  const own = deps.vouchedLocally(day);
  if (own === null) return "gone";
  const archive = archivePath(dataDir, day);
  const key = keyOf(prefix, archive);
  const manifestKey = keyOf(prefix, manifestPath(dataDir, day));
  const target = `${options.endpoint}/${options.bucket}/${key}`;
  const known = readRecord<Uploaded>(uploadedPath(dataDir, day));
  const before = known !== null && known.target === target ? known : null;
  const text = await store.readText(manifestKey);
  const state = await store.stat(key);
  const theirs = text === null ? null : deps.parseManifest(text);
  const isWhole = theirs !== null && state !== null && theirs.compressed_bytes === state.bytes;

  if (isWhole && holds(theirs, own)) {
    const isConfirmed = before !== null && before.compressed_sha256 === own.compressed_sha256;
    if (theirs.compressed_sha256 === own.compressed_sha256 && theirs.sources.length === 0 && theirs.text !== own.text) {
      // The same rows, of which more is known by now.
      await putManifest(own.text);
    }
    if (isConfirmed && deps.nowUs() - before.uploaded_us < settleMs * 1000) return "waits";
    note(theirs.compressed_sha256, state, isConfirmed ? before.verified_by : "manifest", isConfirmed ? before : null);
    return isConfirmed ? "confirmed" : "found";
  }
  if (state === null || state.etag === (before?.object_sha256 === before?.compressed_sha256 ? before?.etag : null)) {
    // Nothing is there, or what we have put there ourselves, before the day was merged again.
    await put(archive, own, state);
    return "uploaded";
  }
  if (!isWhole) {
    if (
      state.bytes === own.compressed_bytes &&
      (await sha256OfObject(store, key, deps.pacer)) === own.compressed_sha256
    ) {
      // We were ended between archive and manifest.
      await putManifest(own.text);
      note(own.compressed_sha256, state, "read_back", null);
      return "found";
    }
    if (deps.nowUs() / 1000 - state.modifiedMs < settleMs) return "waits";
  }
  await refuseWithoutSpace(dataDir, key, state.bytes + own.compressed_bytes);
  const folder = join(unionFolder(dataDir), `${day.symbol}-${day.stream}-${day.date}`);
  mkdirSync(folder, { recursive: true });
  try {
    const other = join(folder, "other.jsonl.zst");
    const sha256 = await download(store, key, other, deps.pacer);
    if (isWhole && sha256 !== theirs.compressed_sha256) return "waits";
    const out = join(folder, "united.jsonl.zst");
    const united = await deps.unite({ day, other, otherManifest: theirs?.text ?? null, out });
    const vouched = deps.parseManifest(united.manifest);
    if (united.kind === "new") await put(out, vouched, state);
    else {
      await putManifest(united.manifest);
      note(vouched.compressed_sha256, state, "read_back", null);
    }
    return "united";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  async function put(path: string, vouched: Vouched, seen: ObjectState | null): Promise<void> {
    const { compressed_bytes: bytes, compressed_sha256: sha256 } = vouched;
    const condition = seen === null ? ("absent" as const) : { is: seen.etag };
    const journal = uploadingPath(dataDir, day);
    const upload = { path, key, bytes, sha256, condition, journal, target };
    const { etag, verifiedBy } = await uploadFile(upload, { ...deps, partBytes: options.partBytes });
    await putManifest(vouched.text);
    note(sha256, { bytes, etag, modifiedMs: 0 }, verifiedBy, null);
  }

  async function putManifest(content: string): Promise<void> {
    await store.put(manifestKey, { bytes: Buffer.byteLength(content), open: () => content }, null);
    if ((await store.readText(manifestKey)) !== content) throw mismatch(manifestKey, "it is not what was sent");
  }

  function note(
    sha256: string,
    state: ObjectState,
    verified_by: Uploaded["verified_by"],
    earlier: Uploaded | null,
  ): void {
    if (own === null || !existsSync(archive)) return;
    const now = deps.nowUs();
    writeRecord(uploadedPath(dataDir, day), {
      target,
      compressed_sha256: own.compressed_sha256,
      object_sha256: sha256,
      etag: state.etag,
      bytes: state.bytes,
      verified_by,
      uploaded_us: earlier?.uploaded_us ?? now,
      confirmed_us: earlier === null ? null : now,
    });
  }
}

/** A download must not take the disk from the recorder: it waits until some room is left beside it. */
async function refuseWithoutSpace(dataDir: string, key: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  const missing = bytes + spareBytes - bavail * bsize;
  if (missing <= 0) return;
  const hint = `uniting it with this disk's needs ${Math.ceil(missing / 1e6)} MB more of free disk`;
  throw new StoreProblem("NoSpace", `unite ${key}: ${hint}`, false);
}

/** Is an archive of ours in what this manifest vouches for? */
function holds(manifest: Vouched, own: Vouched): boolean {
  return manifest.raw_sha256 === own.raw_sha256 || manifest.sources.includes(own.raw_sha256);
}
