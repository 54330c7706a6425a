import { join } from "node:path";
import {
  archiveFolder,
  type Day,
  dayOfPath,
  liveFolder,
  quarantineFolder,
  type Segment,
  segmentOfPath,
  segmentPath,
  temporarySuffix,
} from "../../domain/day.ts";
import { messageOf } from "../../platform/errors.ts";
import { moveAside, removeIfThere } from "../../platform/files/durable-files.ts";
import { existsSync, readdirSync, statSync } from "../../platform/files/files.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { lastRecordUs } from "../../storage/list/last-record.ts";
import type { LostInSegment } from "./lost-span.ts";
import { settlePair } from "./sealed-pair.ts";
import { removeTornLines } from "./torn-lines.ts";
import { repairTail } from "./torn-tail.ts";

/** What a start found in the data folder, and how it was repaired. */
export type RecoveryReport = {
  /** Raw segments to be sealed; whole after the repair. */
  readonly orphans: readonly Segment[];
  /** Days with segments, oldest first. Days before today are to be merged. */
  readonly days: readonly Day[];
  /** Repairs in order; empty after a clean stop. */
  readonly repairs: readonly Repair[];
};

/** A repair. `message`: what was done, in words. `bytes`: how many were cut off. `keptAt`: where removed content is now. */
export type Repair = {
  readonly kind:
    | "tail_cut"
    | "lines_cut"
    | "newline_added"
    | "set_aside"
    | "empty_removed"
    | "temporary_removed"
    | "pair_settled"
    | "failed";
  readonly path: string;
  readonly bytes: number;
  readonly keptAt: string | null;
  readonly message: string;
};

/** Longest time that the main thread is blocked, ms. */
const mostMs = 3;

/** The files under `live/` at the start of this run. Later files belong to this run; recovery does not touch them. */
export type Leftovers = {
  /** Days with segments, oldest first. */
  readonly days: readonly Day[];
  /** Raw segments: open when the last run ended, or not sealed yet. */
  readonly segments: readonly Segment[];
  /** Unfinished temporary files. */
  readonly temporaries: readonly string[];
};

/** Lists the files that earlier runs left; reads only names. Throws the system's error. */
export function findLeftovers(dataDir: string): Leftovers {
  const days = daysOf(dataDir);
  const segments: Segment[] = [];
  const temporaries: string[] = [];
  for (const day of days) {
    const folder = liveFolder(dataDir, day);
    for (const name of namesIn(folder)) {
      if (name.endsWith(temporarySuffix)) temporaries.push(join(folder, name));
      // Most names are sealed segments, which need no parsing.
      const found = name.endsWith(".jsonl") ? segmentOfPath(join(folder, name)) : null;
      if (found?.state === "open") segments.push(found.segment);
    }
  }
  return { days, segments, temporaries };
}

type OnLost = (lost: LostInSegment) => unknown;

/**
 * Repairs the files that earlier runs left. Run it under the lock, and do not merge their days meanwhile. It may run while this run records,
 * because it touches only `leftovers`. No record is deleted: cut bytes are kept under `quarantine/`.
 *
 * 1. Temporary files under `live/` and `archive/` are removed.
 * 2. An empty raw segment is removed.
 * 3. The end of each raw segment is repaired (`repairTail`); a file without any line of ours goes to quarantine.
 * 4. A raw segment that also exists sealed: the less complete file is removed; if both differ, the raw segment is renamed.
 * 5. Torn lines within a raw segment go to quarantine (`removeTornLines`).
 * 6. Each repaired raw segment goes to `onOrphan`, for sealing. Lost records go to `onLost`.
 *
 * A failed repair is reported as "failed" and the file is left as it is. Stops early when `signal` is aborted.
 */
export async function recover(
  dataDir: string,
  leftovers: Leftovers = findLeftovers(dataDir),
  options: {
    onOrphan?: (segment: Segment) => void | Promise<void>;
    onLost?: OnLost;
    signal?: AbortSignal;
  } = {},
): Promise<RecoveryReport> {
  const repairs: Repair[] = [];
  const orphans: Segment[] = [];
  const turn = createTurn(mostMs);
  for (const path of leftovers.temporaries) removeTemporary(path, repairs);
  for (const day of leftovers.days) {
    const folder = archiveFolder(dataDir, day);
    for (const name of namesIn(folder))
      if (name.endsWith(temporarySuffix)) removeTemporary(join(folder, name), repairs);
    await turn.giveWay();
  }
  for (const segment of leftovers.segments) {
    if (options.signal?.aborted === true) break;
    try {
      for (const orphan of await repairSegment(dataDir, segment, repairs, options.onLost)) {
        orphans.push(orphan);
        await options.onOrphan?.(orphan);
      }
    } catch (error) {
      const path = segmentPath(dataDir, segment, "open");
      repairs.push({
        kind: "failed",
        path,
        bytes: 0,
        keptAt: null,
        message: `cannot repair the file: ${messageOf(error)}`,
      });
    }
    await turn.giveWay();
  }
  return { orphans, days: leftovers.days, repairs };
}

function daysOf(dataDir: string): Day[] {
  const days: Day[] = [];
  const live = join(dataDir, "live");
  for (const stream of namesIn(live)) {
    for (const symbol of namesIn(join(live, stream))) {
      for (const date of namesIn(join(live, stream, symbol))) {
        const day = dayOfPath(`${stream}/${symbol}/${date}`);
        if (day !== null) days.push(day);
      }
    }
  }
  return days.sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
}

/** Lists the names in a folder; empty if it does not exist or is a file. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return [];
    throw error;
  }
}

function removeTemporary(path: string, repairs: Repair[]): void {
  const message = "removed an unfinished file";
  try {
    removeIfThere(path);
    repairs.push({ kind: "temporary_removed", path, bytes: 0, keptAt: null, message });
  } catch (error) {
    repairs.push({
      kind: "failed",
      path,
      bytes: 0,
      keptAt: null,
      message: `cannot remove the file: ${messageOf(error)}`,
    });
  }
}

/** Repairs one raw segment; returns it if it must be sealed. */
async function repairSegment(
  dataDir: string,
  found: Segment,
  repairs: Repair[],
  onLost: OnLost = () => {},
): Promise<Segment[]> {
  const path = segmentPath(dataDir, found, "open");
  if (statSync(path).size === 0) {
    removeIfThere(path);
    const message = "removed a segment without records";
    repairs.push({ kind: "empty_removed", path, bytes: 0, keptAt: null, message });
    return [];
  }
  const isPair = existsSync(segmentPath(dataDir, found, "sealed"));
  // First the tail: a power loss may leave a raw segment whose sealed copy is whole with NULs at its end.
  const tail = repairTail(path, quarantineFolder(dataDir, found));
  if (tail.kind === "none_of_ours") {
    const keptAt = moveAside(path, quarantineFolder(dataDir, found));
    const message = "moved a file without any record to quarantine";
    repairs.push({ kind: "set_aside", path, bytes: tail.bytes, keptAt, message });
    if (!isPair) await onLost({ segment: found, afterUs: null });
    return [];
  }
  if (tail.kind === "cut") {
    const message = `cut off a torn tail of ${tail.bytes} bytes`;
    repairs.push({ kind: "tail_cut", path, bytes: tail.bytes, keptAt: tail.keptAt, message });
  } else if (tail.kind === "completed") {
    const message = "added the newline to the last record";
    repairs.push({ kind: "newline_added", path, bytes: 0, keptAt: null, message });
  }
  const addRepair = (at: string, keptAt: string | null, message: string) =>
    repairs.push({ kind: "pair_settled", path: at, bytes: 0, keptAt, message });
  const segment = isPair ? await settlePair(dataDir, found, addRepair) : found;
  if (segment === null) return [];
  await repairTornLines(dataDir, segment, repairs, onLost);
  const afterUs = tail.kind === "cut" ? lastRecordUs(segmentPath(dataDir, segment, "open")) : null;
  // A segment of backfilled records only needs no gap: its missing ids are still stored.
  if (afterUs !== null) await onLost({ segment, afterUs });
  return [segment];
}

/** The losses are reported before the file changes: after a kill in between, the next start finds the same torn lines. */
async function repairTornLines(dataDir: string, segment: Segment, repairs: Repair[], onLost: OnLost): Promise<void> {
  const path = segmentPath(dataDir, segment, "open");
  const bytes = await removeTornLines(
    { segment, path, quarantine: quarantineFolder(dataDir, segment) },
    async (places) => {
      for (const place of places) await onLost({ segment, ...place });
    },
  );
  if (bytes === 0) return;
  const message = `cut ${bytes} bytes out: they are no line of ours, or parts of lines that another program has cut`;
  repairs.push({ kind: "lines_cut", path, bytes, keptAt: quarantineFolder(dataDir, segment), message });
}
