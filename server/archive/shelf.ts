import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Glob } from "bun";
import { dayCoverage } from "../day-coverage.ts";
import type { ArchiveSummary } from "../history.ts";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { type Day, dateStartUs, dayOfPath, dayUs, manifestPath } from "../segment.ts";
import { type Manifest, parseManifest } from "./manifest.ts";

/** Keeps the list of archived days in step with the manifests on disk. */
export type Shelf = {
  /** Notes a day that has just been merged. */
  note(manifest: Manifest): Promise<void>;
  /**
   * Looks through all manifests, one after another and never in a hurry: those that are new or have changed are read, days
   * whose manifest is gone are taken off. Resolves when done or stopped.
   */
  scan(): Promise<void>;
  stop(): void;
};

type ShelfDeps = {
  readonly store: {
    note(summary: ArchiveSummary, manifestMs: number): void;
    remove(day: Day): void;
    known(): Map<string, number>;
  };
  readonly log: Log;
};

/** The shelf of a data folder. */
export function createShelf(options: { dataDir: string }, deps: ShelfDeps): Shelf {
  const { dataDir } = options;
  let stopped = false;

  async function read(path: string, manifestMs: number): Promise<void> {
    try {
      deps.store.note(summaryOf(parseManifest(await readFile(path, "utf8"))), manifestMs);
    } catch (error) {
      deps.log.warn("a manifest cannot be listed", { path, reason: messageOf(error) });
    }
  }

  return {
    async note(manifest) {
      const changed = await stat(manifestPath(dataDir, manifest)).catch(() => null);
      if (!stopped) deps.store.note(summaryOf(manifest), Math.floor(changed?.mtimeMs ?? 0));
    },
    async scan() {
      const gone = deps.store.known();
      for await (const name of manifests(join(dataDir, "archive"))) {
        const day = dayOfPath(name);
        const path = join(dataDir, "archive", name);
        if (day === null || path !== manifestPath(dataDir, day)) continue;
        const changed = await stat(path).catch(() => null);
        if (stopped) return;
        if (changed === null) continue;
        const key = `${day.stream}/${day.symbol}/${day.date}`;
        const manifestMs = Math.floor(changed.mtimeMs);
        if (gone.get(key) !== manifestMs) await read(path, manifestMs);
        gone.delete(key);
        if (stopped) return;
      }
      for (const key of gone.keys()) {
        const [stream = "", symbol = "", date = ""] = key.split("/");
        deps.store.remove({ stream, symbol, date });
      }
    },
    stop() {
      stopped = true;
    },
  };
}

/** What the list says of a day. */
export function summaryOf(manifest: Manifest): ArchiveSummary {
  const { stream, symbol, date, rows, raw_bytes, compressed_bytes, compressed_sha256 } = manifest;
  const coverage = dayCoverage({
    day: { stream, symbol, date },
    rowsPerMinute: manifest.rows_per_minute,
    gaps: gapsOfManifest(manifest),
    firstUs: manifest.first_recv_us,
    lastUs: manifest.last_recv_us,
    untilUs: dateStartUs(date) + dayUs,
  });
  return {
    ...{ stream, symbol, date, rows, raw_bytes, compressed_bytes, sha256: compressed_sha256 },
    ...{ coverage: coverage ?? 0, gaps: manifest.gaps.length },
    ...{ delay_p50_ms: manifest.delay_p50_ms, delay_p99_ms: manifest.delay_p99_ms },
  };
}

/** The gaps of a manifest; those of before 0.2 have no counts. */
export function gapsOfManifest(manifest: Manifest): Manifest["gaps"] {
  return manifest.gaps.map((gap) => ({ ...gap, missing: gap.missing ?? null, repaired: gap.repaired ?? 0 }));
}

async function* manifests(folder: string): AsyncGenerator<string> {
  try {
    yield* new Glob("stream=*/symbol=*/date=*/*.manifest.json").scan({ cwd: folder, onlyFiles: true });
  } catch {
    // No archive folder yet.
  }
}
