import { join } from "node:path";
import { type Day, liveFolder } from "../../domain/day.ts";
import { stat } from "../../platform/files/files-async.ts";
import { segmentFiles } from "../../storage/list/listing.ts";

/** Chooses how hard to compress, so that merging never falls behind recording. */
export type CompressionPlanner = {
  /** The level for the next merge, given what waits behind it, and its estimated raw bytes, which `learn` wants to know. */
  choose(dataDir: string, next: Day, waiting: readonly Day[]): Promise<{ level: number; bytes: number }>;
  /** How long a merge took. */
  learn(level: number, bytes: number, tookMs: number): void;
};

/** Raw bytes a second at each level on one core of a small server, order book lines; a machine's own pace is learnt from there. */
const pace: readonly (readonly [level: number, bytesPerSecond: number])[] = [
  [19, 4e6],
  [16, 7e6],
  [12, 40e6],
  [9, 60e6],
  [6, 100e6],
  [3, 150e6],
];

/** All that waits should be done in this time: a day brings a day's work, and the machine has other things to do. */
const budgetSeconds = 6 * 3600;

/** A sealed segment is about this much smaller than its lines. */
const sealedRatio = 20;

/** The choice between `highest` and the cheap levels. */
export function createCompressionPlanner(highest: number): CompressionPlanner {
  /** Seconds that a merge really took for each one foretold. */
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
      let all = bytes;
      for (const day of waiting) all += await sizeOf(dataDir, day);
      return { level: levelFor(highest, all, slowness), bytes };
    },
    learn(level, bytes, tookMs) {
      // Short merges say more about starting a worker than about compressing.
      if (tookMs < 5_000 || bytes === 0) return;
      const seen = tookMs / 1000 / (bytes / paceOf(level));
      slowness = Math.min(20, Math.max(0.05, 0.7 * slowness + 0.3 * seen));
    },
  };
}

/** The highest level up to `highest` at which so many raw bytes are done within the budget; else the cheapest. */
export function levelFor(highest: number, bytes: number, slowness: number): number {
  const levels = [highest, ...pace.map(([level]) => level).filter((level) => level < highest)];
  return levels.find((level) => (bytes / paceOf(level)) * slowness <= budgetSeconds) ?? levels.at(-1) ?? highest;
}

function paceOf(level: number): number {
  return pace.find(([known]) => known <= level)?.[1] ?? 150e6;
}

/** From a few of the day's files; with a thousand symbols there are too many to look at each. */
async function estimateRawBytes(dataDir: string, day: Day): Promise<number> {
  const names = segmentFiles(dataDir, day);
  const samples = names.filter((_, index) => index % Math.ceil(names.length / 4) === 0);
  let bytes = 0;
  for (const name of samples) {
    const found = await stat(join(liveFolder(dataDir, day), name)).catch(() => null);
    bytes += (found?.size ?? 0) * (name.endsWith(".zst") ? sealedRatio : 1);
  }
  return samples.length === 0 ? 0 : (bytes / samples.length) * names.length;
}
