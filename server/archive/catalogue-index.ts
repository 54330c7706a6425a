import { dayCoverage } from "../domain/coverage/day-coverage.ts";
import { type Day, dateStartUs, dayUs, manifestPath } from "../domain/day.ts";
import { awaitsBackfill } from "../domain/gap.ts";
import type { ArchivedDay } from "../domain/queries.ts";
import { messageOf, Unavailable } from "../platform/errors.ts";
import { statSync } from "../platform/files/files.ts";
import { readFile } from "../platform/files/files-async.ts";
import type { Log } from "../platform/log/log.ts";
import {
  type ArchivedStream,
  archiveDates,
  archivedStreams,
  archiveTurn,
  manifestMsOf,
} from "../storage/list/listing.ts";
import { type Manifest, parseManifest } from "../storage/manifest.ts";

/** Keeps the list of archived days in step with the manifests on disk. */
export type CatalogueIndex = {
  /** Notes a day that has just been merged; `verifiedUs` is when it was read back, null if it was not. */
  note(manifest: Manifest, verifiedUs: number | null): void;
  /**
   * Looks through all archives for what has become of them since they were listed, a few ms at a time and with pauses: whoever records
   * goes first. Only manifests that are new or have changed are read, each once. "unavailable": the list cannot be read or written now;
   * what was found so far is in it. Rejects with the system's error.
   */
  reconcile(options: ReconcileOptions): Promise<"done" | "stopped" | "unavailable">;
};

export type ReconcileOptions = {
  readonly signal: AbortSignal;
  readonly onProgress: (days: number) => void;
  /** Hands over the manifests that were read as well, before they are noted: a list that was lost gets gaps from them. */
  readonly onRead?: (manifests: readonly Manifest[]) => boolean;
};

type Entry = { readonly entry: ArchivedDay; readonly manifestMs: number };

/** The list of archived days, somewhere else. */
export type IndexedArchives = {
  note(entry: ArchivedDay, manifestMs: number): void;
  /** All of it or, if it returns false, nothing. */
  change(found: readonly Entry[], gone: readonly Day[]): boolean;
  /** When the manifest of a listed day was last changed; null for a day that is not listed. Throws while that cannot be told. */
  manifestMs(day: Day): number | null;
  /** Listed days behind this one (null: from the beginning), a few hundred, in one order. Throws while that cannot be told. */
  after(day: Day | null): readonly Day[];
};

type ShelfDeps = { readonly list: IndexedArchives; readonly log: Log };

/** Manifests noted in one go: less than a millisecond. */
const notedAtOnce = 25;
/** A pause after this many looks, so that neither disk nor thread is ever busy with this alone. */
const looksAtOnce = 100;
const pauseMs = 2;

/** The shelf of a data folder. */
export function createCatalogueIndex(options: { dataDir: string }, deps: ShelfDeps): CatalogueIndex {
  const { dataDir } = options;
  const { list, log } = deps;

  async function read(day: Day): Promise<Manifest | null> {
    const path = manifestPath(dataDir, day);
    try {
      return parseManifest(await readFile(path, "utf8"));
    } catch (error) {
      log.warn("an archive's manifest cannot be read; see `rt-data verify`", { path, reason: messageOf(error) });
      return null;
    }
  }

  async function reconcile({ signal, onProgress, onRead }: ReconcileOptions) {
    const onDisk = new Map<string, Uint8Array>();
    const turn = archiveTurn();
    let found: Entry[] = [];
    let manifests: Manifest[] = [];
    let days = 0;

    function write(): boolean {
      if (manifests.length > 0 && onRead?.(manifests) === false) return false;
      if (found.length > 0 && !list.change(found, [])) return false;
      [found, manifests] = [[], []];
      onProgress(days);
      return true;
    }

    for await (const track of archivedStreams(dataDir)) {
      const seen = new Uint8Array(mostDays / 8);
      onDisk.set(keyOf(track), seen);
      for (const date of await archiveDates(dataDir, track)) {
        if (signal.aborted) return "stopped";
        const day = { ...track, date };
        const manifestMs = await manifestMsOf(dataDir, day);
        if (++days % looksAtOnce === 0) {
          onProgress(days);
          await Bun.sleep(pauseMs);
          turn.begin();
        } else await turn.giveWay();
        if (manifestMs === null) continue;
        mark(seen, date);
        if (list.manifestMs(day) === manifestMs) continue;
        const manifest = await read(day);
        if (manifest === null) continue;
        manifests.push(manifest);
        // A manifest is written right after its archive was read back.
        found.push({ entry: archiveEntry(manifest, manifestMs * 1000), manifestMs });
        if (found.length >= notedAtOnce && !write()) return "unavailable";
      }
      if (!write()) return "unavailable";
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
        if (isMarked(onDisk.get(keyOf(day)), day.date)) continue;
        // It may have been merged since its folder was looked into.
        if ((await manifestMsOf(dataDir, day)) === null) gone.push(day);
      }
      if (gone.length > 0 && !list.change([], gone)) return false;
      await Bun.sleep(pauseMs);
    }
  }

  return {
    note(manifest, verifiedUs) {
      const { mtimeMs = 0 } = statSync(manifestPath(dataDir, manifest), { throwIfNoEntry: false }) ?? {};
      list.note(archiveEntry(manifest, verifiedUs), Math.floor(mtimeMs));
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

/** Days since 1970 that one bit each stands for: until 2079. */
const mostDays = 40_000;

function mark(days: Uint8Array, date: string): void {
  const day = dateStartUs(date) / dayUs;
  const at = Math.floor(day / 8);
  if (at < days.length) days[at] = (days[at] ?? 0) | (1 << (day % 8));
}

function isMarked(days: Uint8Array | undefined, date: string): boolean {
  const day = dateStartUs(date) / dayUs;
  return ((days?.[Math.floor(day / 8)] ?? 0) & (1 << (day % 8))) !== 0;
}

function keyOf({ stream, symbol }: ArchivedStream): string {
  return `${stream}/${symbol}`;
}

/** What the catalogue keeps of an archive. */
export function archiveEntry(manifest: Manifest, verifiedUs: number | null): ArchivedDay {
  const { stream, symbol, date, rows, raw_bytes, compressed_bytes, first_recv_us, last_recv_us, gaps } = manifest;
  const coverage = dayCoverage({
    day: { stream, symbol, date },
    rowsPerMinute: manifest.rows_per_minute,
    gaps,
    firstUs: first_recv_us,
    lastUs: last_recv_us,
    untilUs: dateStartUs(date) + dayUs,
  });
  return {
    ...{ stream, symbol, date, rows, raw_bytes, compressed_bytes, sha256: manifest.compressed_sha256 },
    ...{ coverage: coverage ?? 0, gaps: gaps.length },
    ...{ delay_p50_ms: manifest.delay_p50_ms, delay_p99_ms: manifest.delay_p99_ms, first_recv_us, last_recv_us },
    minutes_with_rows: manifest.rows_per_minute.filter((count) => count > 0).length,
    hole_us: holeUs(gaps),
    missing: gaps.reduce((sum, gap) => sum + (gap.missing ?? 0), 0),
    repaired: gaps.reduce((sum, gap) => sum + gap.repaired, 0),
    verified_us: verifiedUs,
  };
}

/** Time in which something is absent; what several gaps have in common counts once. */
function holeUs(gaps: Manifest["gaps"]): number {
  let sum = 0;
  let reachedUs = 0;
  for (const { from_us, to_us } of gaps.filter(awaitsBackfill).sort((a, b) => a.from_us - b.from_us)) {
    sum += Math.max(0, to_us - Math.max(from_us, reachedUs));
    reachedUs = Math.max(reachedUs, to_us);
  }
  return sum;
}
