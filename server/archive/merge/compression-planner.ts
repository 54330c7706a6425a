import { join } from "node:path";
import { type Day, liveFolder } from "../../domain/day.ts";
import { stat } from "../../platform/files/files-async.ts";
import { segmentFiles } from "../../storage/list/listing.ts";

/** Chooses the compression level so that merging keeps up with recording. */
export type CompressionPlanner = {
  /** Chooses the level for the next merge from the waiting days. `bytes`: estimated raw bytes of that merge, for `learn`. */
  choose(dataDir: string, next: Day, waiting: readonly Day[]): Promise<{ level: number; bytes: number }>;
  /** Updates the estimated speed of this machine with the duration of a finished merge. */
  learn(level: number, bytes: number, tookMs: number): void;
};

/** Raw bytes per second at each level, order book lines on one core of a small server. `learn` adapts this to the machine. */
const pace: readonly (readonly [level: number, bytesPerSecond: number])[] = [
  [19, 4e6],
  [16, 7e6],
  [12, 40e6],
  [9, 60e6],
  [6, 100e6],
  [3, 150e6],
];

/** Time in which all waiting merges should finish. Well below a day, because each day adds a day of work. */
const budgetSeconds = 6 * 3600;

/** Raw size of a segment divided by its sealed size, roughly. */
const sealedRatio = 20;

/** Creates a planner that chooses between the level `highest` and faster levels. */
export function createCompressionPlanner(highest: number): CompressionPlanner {
  /** Measured duration of merges divided by their estimated duration, smoothed. */
  let slowness = 1;
  const sizes = new WeakMap<Day, number>();

  async function sizeOf(dataDir: string, day: Day): Promise<number> {
    const size = sizes.get(day) ?? (await estimateRawBytes(dataDir, day));
    sizes.set(day, size);
    return size;
  }

  return {
    async choose(dataDir, next, waiting) {
      const bytes = await sizeOf(dataDir, next);
      let totalBytes = bytes;
      for (const day of waiting) totalBytes += await sizeOf(dataDir, day);
      return { level: levelFor(highest, totalBytes, slowness), bytes };
    },
    learn(level, bytes, tookMs) {
      // The start of the worker dominates the duration of a short merge.
      if (tookMs < 5_000 || bytes === 0) return;
      const measured = tookMs / 1000 / (bytes / paceOf(level));
      slowness = Math.min(20, Math.max(0.05, 0.7 * slowness + 0.3 * measured));
    },
  };
}

/** Returns the highest level, at most `highest`, that compresses `bytes` raw bytes within the time budget; else the lowest level. */
export function levelFor(highest: number, bytes: number, slowness: number): number {
  const levels = [highest, ...pace.map(([level]) => level).filter((level) => level < highest)];
  return levels.find((level) => (bytes / paceOf(level)) * slowness <= budgetSeconds) ?? levels.at(-1) ?? highest;
}

function paceOf(level: number): number {
  return pace.find(([known]) => known <= level)?.[1] ?? 150e6;
}

/** Estimates the raw bytes of a day from a few of its files. With a thousand symbols there are too many files to measure all. */
async function estimateRawBytes(dataDir: string, day: Day): Promise<number> {
  const names = segmentFiles(dataDir, day);
  const samples = names.filter((_, index) => index % Math.ceil(names.length / 4) === 0);
  let bytes = 0;
  for (const name of samples) {
    const info = await stat(join(liveFolder(dataDir, day), name)).catch(() => null);
    bytes += (info?.size ?? 0) * (name.endsWith(".zst") ? sealedRatio : 1);
  }
  return samples.length === 0 ? 0 : (bytes / samples.length) * names.length;
}
