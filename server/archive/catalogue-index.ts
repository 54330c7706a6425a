import { recordedSince } from "../domain/coverage/coverage.ts";
import { coverageOfDay } from "../domain/coverage/day-coverage.ts";
import { type Day, dateStartUs, dayUs, manifestPath } from "../domain/day.ts";
import { awaitsBackfill } from "../domain/gap.ts";
import type { ArchivedDay } from "../domain/queries.ts";
import { seriesKey } from "../domain/stream.ts";
import { messageOf, Unavailable } from "../platform/errors.ts";
import { statSync } from "../platform/files/files.ts";
import { readFile } from "../platform/files/files-async.ts";
import type { Log } from "../platform/log/log.ts";
import { receivedOf } from "../storage/list/first-record.ts";
import {
  type ArchivedStream,
  archiveDates,
  archivedStreams,
  archiveTurn,
  manifestMsOf,
} from "../storage/list/listing.ts";
import { type Manifest, parseManifest } from "../storage/manifest.ts";

/** Keeps the catalogue's list of archived days in sync with the manifests on disk. */
export type CatalogueIndex = {
  /** Saves a day that was just merged; `verifiedUs` is when its archive was read back, null if it was not. */
  save(manifest: Manifest, verifiedUs: number | null): void;
  /**
   * Compares the list with all archives on disk and saves the differences. Works a few ms at a time with pauses, because recording
   * has priority. Reads only manifests that are new or changed, each once. "unavailable": the list cannot be read or written at the
   * moment; changes found before that are saved.
   *
   * @throws the system's error if a folder cannot be read
   */
  reconcile(options: ReconcileOptions): Promise<"done" | "stopped" | "unavailable">;
};

export type ReconcileOptions = {
  readonly signal: AbortSignal;
  readonly onProgress: (days: number) => void;
  /** Receives each batch of manifests before it is saved: a lost catalogue gets its gaps from them. False stops the work. */
  readonly onRead?: (manifests: readonly Manifest[]) => boolean;
};

type Entry = { readonly entry: ArchivedDay; readonly manifestMs: number };

/** The stored list of archived days. */
export type IndexedArchives = {
  save(entry: ArchivedDay, manifestMs: number): void;
  /** Saves and removes entries in one transaction; false if it failed and the entries are unchanged. */
  change(changed: readonly Entry[], gone: readonly Day[]): boolean;
  /** When the manifest of a listed day was last changed; null if the day is not listed. @throws Unavailable */
  manifestMs(day: Day): number | null;
  /** The next few hundred listed days after this day, in a fixed order; null: from the beginning. @throws Unavailable */
  after(day: Day | null): readonly Day[];
};

type CatalogueIndexDeps = {
  readonly list: IndexedArchives;
  /** Receipt of a stream's very first record, µs; null if unknown. */
  readonly sinceUs?: ((series: ArchivedStream) => number | null) | undefined;
  readonly log: Log;
};

/** Manifests saved in one transaction; takes less than a millisecond. */
const savedAtOnce = 25;
/** Days checked before a pause, so that this work never occupies the disk or the thread alone. */
const daysBeforePause = 100;
const pauseMs = 2;

/** Creates the catalogue index of a data folder. */
export function createCatalogueIndex(options: { dataDir: string }, deps: CatalogueIndexDeps): CatalogueIndex {
  const { dataDir } = options;
  const { list, log } = deps;

  async function readManifestOf(day: Day): Promise<Manifest | null> {
    const path = manifestPath(dataDir, day);
    try {
      return parseManifest(await readFile(path, "utf8"));
    } catch (error) {
      log.warn("cannot read the manifest of an archive; run `rt-data verify`", { path, reason: messageOf(error) });
      return null;
    }
  }

  const entryOf = (manifest: Manifest, verifiedUs: number | null) =>
    archiveEntry(manifest, verifiedUs, deps.sinceUs?.(manifest) ?? null);

  async function reconcile({ signal, onProgress, onRead }: ReconcileOptions) {
    const onDisk = new Map<string, Uint8Array>();
    const turn = archiveTurn();
    let changed: Entry[] = [];
    let manifests: Manifest[] = [];
    let days = 0;

    function saveBatch(): boolean {
      if (manifests.length > 0 && onRead?.(manifests) === false) return false;
      if (changed.length > 0 && !list.change(changed, [])) return false;
      [changed, manifests] = [[], []];
      onProgress(days);
      return true;
    }

    for await (const series of archivedStreams(dataDir)) {
      const datesOnDisk = new Uint8Array(mostDays / 8);
      onDisk.set(seriesKey(series.stream, series.symbol), datesOnDisk);
      for (const date of await archiveDates(dataDir, series)) {
        if (signal.aborted) return "stopped";
        const day = { ...series, date };
        const manifestMs = await manifestMsOf(dataDir, day);
        if (++days % daysBeforePause === 0) {
          onProgress(days);
          await Bun.sleep(pauseMs);
          turn.begin();
        } else await turn.giveWay();
        if (manifestMs === null) continue;
        mark(datesOnDisk, date);
        if (list.manifestMs(day) === manifestMs) continue;
        const manifest = await readManifestOf(day);
        if (manifest === null) continue;
        manifests.push(manifest);
        // The manifest is written right after the archive was read back, so its time is the time of verification.
        changed.push({ entry: entryOf(manifest, manifestMs * 1000), manifestMs });
        if (changed.length >= savedAtOnce && !saveBatch()) return "unavailable";
      }
      if (!saveBatch()) return "unavailable";
    }
    return (await removeGone(onDisk, signal)) ? "done" : "unavailable";
  }

  async function removeGone(onDisk: ReadonlyMap<string, Uint8Array>, signal: AbortSignal): Promise<boolean> {
    let last: Day | null = null;
    for (;;) {
      const listed = list.after(last);
      last = listed.at(-1) ?? null;
      if (last === null || signal.aborted) return true;
      const gone: Day[] = [];
      for (const day of listed) {
        if (isMarked(onDisk.get(seriesKey(day.stream, day.symbol)), day.date)) continue;
        // The day may have been merged after its folder was listed.
        if ((await manifestMsOf(dataDir, day)) === null) gone.push(day);
      }
      if (gone.length > 0 && !list.change([], gone)) return false;
      await Bun.sleep(pauseMs);
    }
  }

  return {
    save(manifest, verifiedUs) {
      const { mtimeMs = 0 } = statSync(manifestPath(dataDir, manifest), { throwIfNoEntry: false }) ?? {};
      list.save(entryOf(manifest, verifiedUs), Math.floor(mtimeMs));
    },
    async reconcile(given) {
      try {
        return await reconcile(given);
      } catch (error) {
        if (error instanceof Unavailable) return "unavailable";
        throw error;
      }
    },
  };
}

/** Size of the bit sets: one bit for each day since 1970, enough until 2079. */
const mostDays = 40_000;

function mark(days: Uint8Array, date: string): void {
  const day = dateStartUs(date) / dayUs;
  const byte = Math.floor(day / 8);
  if (byte < days.length) days[byte] = (days[byte] ?? 0) | (1 << (day % 8));
}

function isMarked(days: Uint8Array | undefined, date: string): boolean {
  const day = dateStartUs(date) / dayUs;
  return ((days?.[Math.floor(day / 8)] ?? 0) & (1 << (day % 8))) !== 0;
}

/** Converts a manifest to the catalogue's entry of the archive. */
export function archiveEntry(manifest: Manifest, verifiedUs: number | null, sinceUs: number | null): ArchivedDay {
  const { stream, symbol, date, rows, raw_bytes, compressed_bytes, first_recv_us, last_recv_us, gaps } = manifest;
  const coverage = coverageOfDay({
    day: { stream, symbol, date },
    rowsPerMinute: manifest.rows_per_minute,
    gaps,
    firstUs: first_recv_us,
    lastUs: last_recv_us,
    untilUs: dateStartUs(date) + dayUs,
    sinceUs: sinceUs ?? recordedSince([receivedOf(manifest)], gaps),
  });
  return {
    stream,
    symbol,
    date,
    rows,
    raw_bytes,
    compressed_bytes,
    sha256: manifest.compressed_sha256,
    coverage: coverage.share ?? 0,
    gaps: gaps.length,
    delay_p50_ms: manifest.delay_p50_ms,
    delay_p99_ms: manifest.delay_p99_ms,
    first_recv_us,
    last_recv_us,
    minutes_with_rows: manifest.rows_per_minute.filter((count) => count > 0).length,
    hole_us: unfilledUs(gaps),
    missing: gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
    repaired: gaps.reduce((sum, gap) => sum + gap.repaired, 0),
    verified_us: verifiedUs,
    missing_us: coverage.missingUs,
  };
}

/** Returns the total time of gaps that still await backfill, µs. Time covered by several gaps counts once. */
function unfilledUs(gaps: Manifest["gaps"]): number {
  let sum = 0;
  let reachedUs = 0;
  for (const { from_us, to_us } of gaps.filter(awaitsBackfill).sort((a, b) => a.from_us - b.from_us)) {
    sum += Math.max(0, to_us - Math.max(from_us, reachedUs));
    reachedUs = Math.max(reachedUs, to_us);
  }
  return sum;
}
