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
import { moveAside, removeIfThere, renameDurably } from "../../platform/files/durable-files.ts";
import { closeSync, existsSync, openSync, readdirSync, statSync } from "../../platform/files/files.ts";
import { createTurn } from "../../platform/time/timers.ts";
import { lastRecordUs } from "../../storage/list/last-record.ts";
import { createFree } from "../write/free-segment-name.ts";
import type { LostRecords } from "./lost-span.ts";
import { comparePair } from "./sealed-pair.ts";
import { repairTail } from "./torn-tail.ts";

/** What a start found in the data folder and what it did about it. */
export type RecoveryReport = {
  /** Raw segments, whole after the repair, that want sealing. */
  readonly orphans: readonly Segment[];
  /** Days that have segments, oldest first; those before today want merging. */
  readonly days: readonly Day[];
  /** What was done, in the order in which it was done; empty after a clean stop. */
  readonly repairs: readonly Repair[];
};

/** `message` says in words what was done to the file; `bytes` were cut from it; `keptAt` is where what was taken away lies now. */
export type Repair = {
  readonly kind:
    | "tail_cut"
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

/** The main thread is given back after this time, ms. */
const mostMs = 3;

/** What was under `live/` when this run began. Whatever comes later is this run's own, and none of recovery's business. */
export type Leftovers = {
  /** Days that have segments, oldest first. */
  readonly days: readonly Day[];
  /** Raw segments: written to when the run before this one ended, or not sealed yet. */
  readonly segments: readonly Segment[];
  /** Files that nobody has finished. */
  readonly temporaries: readonly string[];
};

/** Lists what earlier runs left; reads names only. Throws the system's error. */
export function findLeftovers(dataDir: string): Leftovers {
  const days = daysOf(dataDir);
  const segments: Segment[] = [];
  const temporaries: string[] = [];
  for (const day of days) {
    const folder = liveFolder(dataDir, day);
    for (const name of namesIn(folder)) {
      if (name.endsWith(temporarySuffix)) temporaries.push(join(folder, name));
      // Most names are of sealed segments.
      const found = name.endsWith(".jsonl") ? segmentOfPath(join(folder, name)) : null;
      if (found?.state === "open") segments.push(found.segment);
    }
  }
  return { days, segments, temporaries };
}

/**
 * Brings what earlier runs left into order; to be run under the lock. It may go on while this run records: it touches nothing but
 * `leftovers`. Nothing of their days may be merged meanwhile. Only segments that were not sealed yet are looked into, and of those
 * only the end. What cannot be repaired is reported as "failed" and left as it is. Nothing that may be a record is deleted: what is
 * cut off is kept under `quarantine/`. `onOrphan` is told of each segment as soon as it wants sealing, `onLost` of each whose records, or
 * the last of them, can be read no more. Stops early, with what was done so far, once `signal` is aborted.
 */
export async function recover(
  dataDir: string,
  leftovers: Leftovers = findLeftovers(dataDir),
  options: {
    onOrphan?: (segment: Segment) => void | Promise<void>;
    onLost?: (lost: LostRecords) => void;
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
      repairs.push({ kind: "failed", path, bytes: 0, keptAt: null, message: `cannot repair it: ${messageOf(error)}` });
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

/** Names in a folder; none if it is not there or is a file. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return [];
    throw error;
  }
}

function removeTemporary(path: string, repairs: Repair[]): void {
  const message = "an unfinished file was removed";
  try {
    removeIfThere(path);
    repairs.push({ kind: "temporary_removed", path, bytes: 0, keptAt: null, message });
  } catch (error) {
    repairs.push({ kind: "failed", path, bytes: 0, keptAt: null, message: `cannot remove it: ${messageOf(error)}` });
  }
}

/** Repairs one raw segment; returns it if it is still to be sealed. */
async function repairSegment(
  dataDir: string,
  found: Segment,
  repairs: Repair[],
  onLost: (lost: LostRecords) => void = () => {},
): Promise<Segment[]> {
  const path = segmentPath(dataDir, found, "open");
  if (statSync(path).size === 0) {
    removeIfThere(path);
    repairs.push({
      kind: "empty_removed",
      path,
      bytes: 0,
      keptAt: null,
      message: "a segment without any record was removed",
    });
    return [];
  }
  const segment = existsSync(segmentPath(dataDir, found, "sealed")) ? await settlePair(dataDir, found, repairs) : found;
  if (segment === null) return [];
  const raw = segmentPath(dataDir, segment, "open");
  const tail = repairTail(raw, quarantineFolder(dataDir, segment));
  if (tail.kind === "none_of_ours") {
    const keptAt = moveAside(raw, quarantineFolder(dataDir, segment));
    repairs.push({
      kind: "set_aside",
      path: raw,
      bytes: tail.bytes,
      keptAt,
      message: "it holds no line of ours and was put aside",
    });
    onLost({ segment, afterUs: null });
    return [];
  }
  if (tail.kind === "cut") {
    const message = `a torn tail of ${tail.bytes} bytes was cut off`;
    repairs.push({ kind: "tail_cut", path: raw, bytes: tail.bytes, keptAt: tail.keptAt, message });
    const afterUs = lastRecordUs(raw);
    // The holes of refetched records are still written down.
    if (afterUs !== null) onLost({ segment, afterUs });
  } else if (tail.kind === "completed") {
    const message = "its last record was whole but for the newline, which was added";
    repairs.push({ kind: "newline_added", path: raw, bytes: 0, keptAt: null, message });
  }
  return [segment];
}

/**
 * A crash between the rename of the sealed file and the removal of the raw one leaves both. Returns the raw segment that stays,
 * perhaps under another name, or null.
 */
async function settlePair(dataDir: string, segment: Segment, repairs: Repair[]): Promise<Segment | null> {
  const raw = segmentPath(dataDir, segment, "open");
  const sealed = segmentPath(dataDir, segment, "sealed");
  const done = (path: string, keptAt: string | null, message: string) =>
    repairs.push({ kind: "pair_settled", path, bytes: 0, keptAt, message });
  const pair = await comparePair(raw, sealed);
  if (pair === "sealed_has_all") {
    removeIfThere(raw);
    done(raw, null, "the sealed segment holds the same; the raw one was removed");
    return null;
  }
  if (pair === "raw_has_all") {
    removeIfThere(sealed);
    done(sealed, null, "the raw segment holds all of it and more; the sealed one was removed");
    return segment;
  }
  if (pair === "sealed_unreadable") {
    done(
      sealed,
      moveAside(sealed, quarantineFolder(dataDir, segment)),
      "it cannot be decompressed; the raw segment stays",
    );
    return segment;
  }
  // The new name is taken at once by an empty file: somebody records into this folder, and a rename would replace their segment.
  const wanted = { ...segment, name: segment.name.replace(/_\d+$/, "") };
  const { segment: renamed } = await createFree(dataDir, wanted, async (path) => closeSync(openSync(path, "wx")));
  renameDurably(raw, segmentPath(dataDir, renamed, "open"));
  done(
    raw,
    segmentPath(dataDir, renamed, "open"),
    "it differs from the sealed segment of its name and was renamed; both stay",
  );
  return renamed;
}
