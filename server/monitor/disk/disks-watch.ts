import type { DiskStatus, VolumeStatus } from "../../domain/disk-status.ts";
import type { Log } from "../../platform/log/log.ts";
import { createDiskWatch, type DiskWatch } from "./disk-watch.ts";
import type { Volume, VolumePart } from "./volumes.ts";

/** Watches every file system that holds a part of the data folder. */
export type DisksWatch = {
  /** Takes a look; `refusal` is what the disk of the open segments answers to writes at present, or null. Call it once a second. */
  note(nowMs: number, volumes: readonly Volume[], refusal: string | null): void;
  /** The one that takes the records; null before the first look. */
  status(): DiskStatus | null;
  /** All of them, each once. */
  all(): readonly VolumeStatus[];
  /** How many bytes work may take up: a seal where the segments lie, a merge where the archives do. */
  room(): { readonly forSeals: number; readonly forMerges: number };
  /** Free bytes where the archives lie; 0 before the first look. */
  freeForArchives(): number;
};

type Watched = { readonly watch: DiskWatch; problem: string | null };

/** Nothing was looked at yet. */
export function createDisksWatch(deps: { log: Log }): DisksWatch {
  const { log } = deps;
  /** By what they are called; a disk that becomes another one begins anew. */
  const watched = new Map<string, Watched>();
  let newest: readonly Volume[] = [];

  function watchOf({ name }: Volume, isOnly: boolean): Watched {
    const key = `${name} ${isOnly}`;
    let found = watched.get(key);
    if (found === undefined) {
      found = { watch: createDiskWatch({ log, name: isOnly ? undefined : name }), problem: null };
      watched.set(key, found);
    }
    return found;
  }

  function tellProblem(one: Watched, { name, path, problem }: Volume): void {
    if (problem !== null && one.problem === null)
      log.error("a file system of the data folder cannot be reached", { disk: name, path, reason: problem });
    if (problem === null && one.problem !== null)
      log.info("the file system can be reached again", { disk: name, path });
    one.problem = problem;
  }

  function of(part: VolumePart): Watched | undefined {
    const volume = newest.find(({ holds }) => holds.includes(part));
    return volume === undefined ? undefined : watchOf(volume, newest.length === 1);
  }

  return {
    note(nowMs, volumes, refusal) {
      newest = volumes;
      for (const volume of volumes) {
        const one = watchOf(volume, volumes.length === 1);
        tellProblem(one, volume);
        one.watch.note(nowMs, volume, volume.holds.includes("live") ? refusal : null);
      }
    },
    status: () => of("live")?.watch.status() ?? null,
    all: () =>
      newest.flatMap((volume) => {
        const { name, path, holds, problem } = volume;
        const status = watchOf(volume, newest.length === 1).watch.status() ?? unknown;
        return [{ name, path, holds, problem, ...status }];
      }),
    room() {
      const [segments, archives] = [of("live"), of("archive")];
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
  ...{ level: "ok", scarce: "bytes", free_bytes: 0, total_bytes: 0, free_inodes: null, total_inodes: null },
  ...{ low_bytes: 0, very_low_bytes: 0, fill_bytes_per_s: null, full_in_s: null, is_filling: false },
};
