import type { DiskStatus, VolumeStatus } from "../../domain/storage-status.ts";
import type { Log } from "../../platform/log/log.ts";
import { createDiskWatch, type DiskWatch } from "./disk-watch.ts";
import type { Volume, VolumePart } from "./volumes.ts";

/** Watches every file system that holds a part of the data folder. */
export type DisksWatch = {
  /**
   * Updates all watches; must be called every second.
   * `refusal` is the current answer to writes from the disk of the open segments, or null.
   */
  update(nowMs: number, volumes: readonly Volume[], refusal: string | null): void;
  /** Returns the status of the disk to which records are written; null before the first update. */
  status(): DiskStatus | null;
  /** Returns the status of each file system, once each. */
  all(): readonly VolumeStatus[];
  /** Returns how many bytes work may use: sealing on the disk of the segments, merging on the disk of the archives. */
  room(): { readonly forSeals: number; readonly forMerges: number };
  /** Returns the free bytes on the disk of the archives; 0 before the first update. */
  freeForArchives(): number;
};

type Watched = { readonly watch: DiskWatch; problem: string | null };

/** Creates the watch. */
export function createDisksWatch(deps: { log: Log }): DisksWatch {
  const { log } = deps;
  /** Watches by name. A part that moves to another disk gets a new watch. */
  const watched = new Map<string, Watched>();
  let newest: readonly Volume[] = [];

  function watchOf({ name }: Volume, isOnly: boolean): Watched {
    const key = `${name} ${isOnly}`;
    let entry = watched.get(key);
    if (entry === undefined) {
      entry = { watch: createDiskWatch({ log, name: isOnly ? undefined : name }), problem: null };
      watched.set(key, entry);
    }
    return entry;
  }

  function logProblem(entry: Watched, { name, path, problem }: Volume): void {
    if (problem !== null && entry.problem === null)
      log.error("a file system of the data folder cannot be reached", { disk: name, path, reason: problem });
    if (problem === null && entry.problem !== null)
      log.info("the file system can be reached again", { disk: name, path });
    entry.problem = problem;
  }

  function watchOfPart(part: VolumePart): Watched | undefined {
    const volume = newest.find(({ holds }) => holds.includes(part));
    return volume === undefined ? undefined : watchOf(volume, newest.length === 1);
  }

  return {
    update(nowMs, volumes, refusal) {
      newest = volumes;
      for (const volume of volumes) {
        const entry = watchOf(volume, volumes.length === 1);
        logProblem(entry, volume);
        entry.watch.update(nowMs, volume, volume.holds.includes("live") ? refusal : null);
      }
    },
    status: () => watchOfPart("live")?.watch.status() ?? null,
    all: () =>
      newest.flatMap((volume) => {
        const { name, path, holds, problem } = volume;
        const status = watchOf(volume, newest.length === 1).watch.status() ?? unknown;
        return [{ name, path, holds, problem, ...status }];
      }),
    room() {
      const [segments, archives] = [watchOfPart("live"), watchOfPart("archive")];
      if (segments === undefined || archives === undefined)
        return { forSeals: Number.POSITIVE_INFINITY, forMerges: Number.POSITIVE_INFINITY };
      return {
        forSeals: segments.problem === null ? segments.watch.room().forSeals : 0,
        forMerges: archives.problem === null ? archives.watch.room().forMerges : 0,
      };
    },
    freeForArchives: () => newest.find(({ holds }) => holds.includes("archive"))?.freeBytes ?? 0,
  };
}

const unknown: DiskStatus = {
  level: "ok",
  scarce: "bytes",
  free_bytes: 0,
  total_bytes: 0,
  free_inodes: null,
  total_inodes: null,
  low_bytes: 0,
  very_low_bytes: 0,
  fill_bytes_per_s: null,
  full_in_s: null,
  is_filling: false,
};
