import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { type Day, dayOfPath } from "../segment.ts";
import type { ObjectStore } from "./object-store.ts";
import { abandonParts } from "./upload-file.ts";

/** A multipart upload that nobody has gone on with for so long was left by a recorder that is no more, ms. */
const abandonedMs = 7 * 86_400_000;

/**
 * Removes what the bucket should not keep: archives and manifests of dates before `keepFrom` (null: none), and the parts of
 * multipart uploads that were begun a week ago and never ended. Whatever is not named as our files are is left alone. Rejects
 * with a StoreProblem.
 */
export async function sweepBucket(
  store: ObjectStore,
  prefix: string,
  options: { keepFrom: string | null; nowMs: number; log: Log },
): Promise<void> {
  const { keepFrom, nowMs, log } = options;
  if (keepFrom !== null) {
    for await (const { key, bytes } of store.list(`${prefix}stream=`)) {
      const day = archivedDayOfKey(key);
      if (day === null || day.date >= keepFrom || key.endsWith(".manifest.json")) continue;
      // The manifest first: without it the archive vouches for nothing, and the next sweep takes what a crash left.
      await store.remove(key.replace(/\.jsonl\.zst$/, ".manifest.json"));
      await store.remove(key);
      log.info("removed an archive from the bucket", { ...day, bytes, reason: `it is from before ${keepFrom}` });
    }
  }
  for (const { key, uploadId, beganMs } of await unfinished(store, prefix, log)) {
    if (archivedDayOfKey(key) === null || !(nowMs - beganMs > abandonedMs)) continue;
    await abandonParts(store, key, uploadId);
    log.info("removed the parts of an upload that was never ended", { key });
  }
}

/** The day whose archive or manifest a key names, or null. */
function archivedDayOfKey(key: string): Day | null {
  const day = dayOfPath(key);
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (day === null) return null;
  const stem = `${day.symbol}-${day.stream}-${day.date}`;
  return name === `${stem}.jsonl.zst` || name === `${stem}.manifest.json` ? day : null;
}

async function unfinished(store: ObjectStore, prefix: string, log: Log) {
  try {
    return await store.unfinished(`${prefix}stream=`);
  } catch (error) {
    log.debug("the store does not list unfinished uploads", { reason: messageOf(error) });
    return [];
  }
}
