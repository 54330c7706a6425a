import type { ArchivedDay } from "../archived-day.ts";
import type { Log } from "../log.ts";
import { statSync } from "../platform/files.ts";
import { readFile } from "../platform/files-async.ts";
import { messageOf } from "../problem.ts";
import { type Day, manifestPath } from "../segment.ts";
import { archiveEntry } from "./archive-entry.ts";
import { archivesOnDisk } from "./archived-days.ts";
import { type Manifest, parseManifest } from "./manifest.ts";

/** Keeps the list of archived days in step with the manifests on disk. */
export type Shelf = {
  /** Notes a day that has just been merged; `verifiedUs` is when it was read back, null if it was not. */
  note(manifest: Manifest, verifiedUs: number | null): void;
  /**
   * Looks through all archives, one after another, for what has become of them since they were listed. Only manifests that are
   * new or have changed are read, each once, and handed to `onRead`. Rejects with the system's error.
   */
  scan(onRead?: (manifest: Manifest) => void): Promise<ShelfChanges>;
  /** Writes down what a scan has found. */
  take(changes: ShelfChanges): void;
};

export type ShelfChanges = {
  /** Archived days in all. */
  readonly days: number;
  readonly found: readonly { readonly entry: ArchivedDay; readonly manifestMs: number }[];
  readonly gone: readonly Day[];
};

type ShelfDeps = {
  /** Its tables are made anew where its file was deleted: they are asked for each time. */
  readonly catalogue: {
    readonly archiveDays: {
      note(entry: ArchivedDay, manifestMs: number): void;
      remove(day: Day): void;
      known(): Map<string, number>;
    };
  };
  readonly log: Log;
};

/** The shelf of a data folder. */
export function createShelf(options: { dataDir: string }, deps: ShelfDeps): Shelf {
  const { dataDir } = options;
  const { catalogue, log } = deps;

  async function read(day: Day): Promise<Manifest | null> {
    const path = manifestPath(dataDir, day);
    try {
      return parseManifest(await readFile(path, "utf8"));
    } catch (error) {
      log.warn("an archive's manifest cannot be read; see `rt-data verify`", { path, reason: messageOf(error) });
      return null;
    }
  }

  return {
    note(manifest, verifiedUs) {
      const { mtimeMs = 0 } = statSync(manifestPath(dataDir, manifest), { throwIfNoEntry: false }) ?? {};
      catalogue.archiveDays.note(archiveEntry(manifest, verifiedUs), Math.floor(mtimeMs));
    },
    async scan(onRead) {
      const known = catalogue.archiveDays.known();
      const archives = await archivesOnDisk(dataDir);
      const found: { entry: ArchivedDay; manifestMs: number }[] = [];
      for (const { day, manifestMs } of archives) {
        const key = `${day.stream}/${day.symbol}/${day.date}`;
        const knownMs = known.get(key);
        known.delete(key);
        if (knownMs === manifestMs) continue;
        const manifest = await read(day);
        if (manifest === null) continue;
        onRead?.(manifest);
        // A manifest is written right after its archive was read back.
        found.push({ entry: archiveEntry(manifest, manifestMs * 1000), manifestMs });
      }
      return { days: archives.length, found, gone: [...known.keys()].map(dayOfKey) };
    },
    take({ found, gone }) {
      for (const { entry, manifestMs } of found) catalogue.archiveDays.note(entry, manifestMs);
      for (const day of gone) catalogue.archiveDays.remove(day);
    },
  };
}

function dayOfKey(key: string): Day {
  const [stream = "", symbol = "", date = ""] = key.split("/");
  return { stream, symbol, date };
}
