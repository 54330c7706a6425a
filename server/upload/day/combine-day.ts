import { join } from "node:path";
import { type Day, quarantineFolder } from "../../domain/day.ts";
import { freePath } from "../../platform/files/durable-files.ts";
import { mkdirSync, readdirSync, renameSync, rmSync } from "../../platform/files/files.ts";
import { statfs } from "../../platform/files/files-async.ts";
import { download } from "../store/object-content.ts";
import { StoreProblem } from "../store/store-errors.ts";
import type { BucketDay, Vouched } from "./bucket-day.ts";
import { type Beside, type BesideDeps, unlessRefused } from "./day-borders.ts";
import { type Placed, putManifest, type ReplaceDeps, type ReplaceOptions, replaceObject } from "./replace-object.ts";

/** An archive beside the day, on this disk. */
export type BesideFile = { readonly path: string; readonly sha256: string };

/** Recorders' archives of one day, to be made one. */
export type CombineOrder = {
  readonly day: Day;
  /** False: this disk's archive takes no part. */
  readonly withOwn: boolean;
  /** The archive of the bucket, on this disk; null where it has none. */
  readonly other: string | null;
  /** Its manifest; null where none vouches for it. */
  readonly otherManifest: string | null;
  readonly before: BesideFile | null;
  readonly after: BesideFile | null;
  /** Where the united archive goes. */
  readonly out: string;
};

/**
 * "same": the bucket's archive stays as it is, under the new manifest; "own": this disk's archive is the whole. "unreadable": a file
 * of the order is damaged, for the reason given.
 */
export type Combined =
  | { readonly kind: "new" | "same" | "own"; readonly manifest: string }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

export type CombineDeps = ReplaceDeps & BesideDeps & { readonly unite: (order: CombineOrder) => Promise<Combined> };

/**
 * "unreadable": the bucket's archive is none; a copy of it lies at `path`, and the bucket has it still. "unvouched": nothing was done,
 * since neither this disk's archive nor one that its manifest vouches for was there.
 */
export type CombinedDay =
  | { readonly kind: "unvouched" }
  | { readonly kind: "placed"; readonly placed: Placed }
  | { readonly kind: "unreadable"; readonly path: string; readonly reason: string };

/** What stays free beside a union, so that recording goes on. */
const spareBytes = 1e9;

/** Where partial unions lie; worth nothing after a crash. */
export function combineFolder(dataDir: string): string {
  return join(dataDir, "union");
}

/**
 * Makes the bucket's archive of a day the union of what is there and this disk's (`own`, with its path, unless it takes no part),
 * without the rows that belong to the days beside. Rejects with a StoreProblem or a file's error.
 */
export async function combineDay(
  found: BucketDay,
  own: { readonly path: string; readonly vouched: Vouched } | null,
  beside: Beside,
  options: ReplaceOptions,
  deps: CombineDeps,
): Promise<CombinedDay> {
  const { day, state, vouched } = found;
  const folder = join(combineFolder(options.dataDir), `${day.symbol}-${day.stream}-${day.date}`);
  const parts = [state?.bytes, beside.before?.state?.bytes, beside.after?.state?.bytes, own?.vouched.compressed_bytes];
  const largest = (state?.bytes ?? 0) + (own?.vouched.compressed_bytes ?? 0);
  const needed = parts.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) + largest;
  await refuseWithoutSpace(options.dataDir, found.key, needed);
  mkdirSync(folder, { recursive: true });
  try {
    const other = state === null ? null : join(folder, "other.jsonl.zst");
    const sha256 =
      state === null || other === null ? null : await download(deps.store, found.key, state, other, deps.pacer);
    const isAsSaid = sha256 !== null && sha256 === vouched?.compressed_sha256;
    const order = {
      ...{ day, withOwn: own !== null, other, otherManifest: isAsSaid ? vouched.text : null },
      before: await fetchBeside(beside.before, join(folder, "before.jsonl.zst"), deps),
      after: await fetchBeside(beside.after, join(folder, "after.jsonl.zst"), deps),
      out: join(folder, "united.jsonl.zst"),
    };
    if (own === null && (!isAsSaid || (order.before === null && order.after === null))) return { kind: "unvouched" };
    const united = await deps.unite(order);
    if (united.kind === "unreadable") {
      if (united.path !== other) throw new StoreProblem("Unreadable", `unite ${found.key}: ${united.reason}`, "object");
      return { kind: "unreadable", path: keepAside(united.path, options.dataDir, day), reason: united.reason };
    }
    const next = deps.parseManifest(united.manifest, day);
    if (next === null) throw new Error(`the union of ${found.key} has no manifest that can be read`);
    if (united.kind === "own" && own !== null)
      return { kind: "placed", placed: await replaceObject(found, own, options, deps) };
    if (united.kind === "new")
      return { kind: "placed", placed: await replaceObject(found, { path: order.out, vouched: next }, options, deps) };
    await putManifest(found, united.manifest, deps);
    const placed = {
      state: state ?? { bytes: 0, etag: "" },
      sha256: next.compressed_sha256,
      verifiedBy: "read_back",
    } as const;
    return { kind: "placed", placed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An archive beside that is not what its manifest says is passed over: nothing is known of what belongs there. */
async function fetchBeside(found: BucketDay | null, path: string, deps: CombineDeps): Promise<BesideFile | null> {
  if (found === null || found.state === null || found.vouched === null) return null;
  const sha256 = await download(deps.store, found.key, found.state, path, deps.pacer).catch(
    unlessRefused(deps.isAgain ?? false),
  );
  return sha256 === found.vouched.compressed_sha256 ? { path, sha256 } : null;
}

/** Files of one day that are kept; whoever goes on damaging them does not fill the disk. */
const mostKept = 3;

/** What is in the bucket under the name of an archive and is none is kept on this disk, for a person to look at. */
function keepAside(path: string, dataDir: string, day: Day): string {
  const folder = quarantineFolder(dataDir, day);
  const target = freePath(folder, "bucket.jsonl.zst");
  const kept = readdirSync(folder).filter((name) => name.startsWith("bucket.jsonl.zst")).length;
  if (kept < mostKept) renameSync(path, target);
  return kept < mostKept ? target : folder;
}

/** A download must not take the disk from the recorder: it waits until some room is left beside it. */
async function refuseWithoutSpace(dataDir: string, key: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dataDir);
  const missing = bytes + spareBytes - bavail * bsize;
  if (missing <= 0) return;
  const hint = `uniting it with this disk's needs ${Math.ceil(missing / 1e6)} MB more of free disk`;
  throw new StoreProblem("NoSpace", `unite ${key}: ${hint}`, "object");
}
