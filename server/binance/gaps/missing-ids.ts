import {
  type HighestRecord,
  type MissingIds,
  missingOutside,
  skippedIds,
  usualLagUs,
} from "../../domain/ids/id-order.ts";
import type { IdRange } from "../../domain/ids/id-ranges.ts";

/**
 * Finds missing ids in a stream with contiguous ids. A range of missing ids goes through these states:
 *
 * | state     | entered when                                         | left when                                                |
 * |-----------|------------------------------------------------------|----------------------------------------------------------|
 * | fresh     | a record jumps beyond the expected id                | the next record ahead: confirmed                         |
 * | confirmed | a further record has come behind it                  | `take`: reported; `fill`, `retract`: gone or smaller     |
 * | past      | it was fresh or confirmed, and the numbering restarted | `take`: reported; `returnTo`: fresh or confirmed again |
 * | reported  | `take` returned it                                   | `retract` within `glitchUs`: it was not missing          |
 */
export type MissingIdsFinder = {
  /** A record ahead of all others, with ids `firstId` to `id`. `isRecorded`: true for ids that had arrived ahead of their turn. */
  advance(firstId: number, id: number, recvUs: number, isRecorded: (id: number) => boolean): void;
  /** A late record: its ids are no longer missing. False if none of them was missing. */
  fill(firstId: number, id: number, recvUs: number): boolean;
  /** Any record has arrived. A range that was filled in its first part ends with the next record behind it. */
  pass(id: number, recvUs: number): void;
  /**
   * The ids had jumped and are back: the connection that caused the range continues inside it. The rest of the range is not missing; ids are
   * expected from its beginning again. Null if `id` is in no waiting range and in no range reported a moment ago. "elsewhere" if it is so far
   * behind the beginning of the range that the ids have not returned but restarted. Otherwise `given` is the reported part that is not missing
   * after all, or null.
   */
  retract(firstId: number, id: number, recvUs: number): { readonly given: MissingIds | null } | "elsewhere" | null;
  /** True if these ids are in a waiting range that few records have followed. */
  isDoubtful(firstId: number, id: number): boolean;
  /** The ids have restarted (a new epoch). */
  restart(id: number, recvUs: number): void;
  /** Returns the state to restore with `returnTo`, if the restart turns out to be a glitch. */
  mark(): MissingIdsMark;
  returnTo(mark: MissingIdsMark): void;
  /**
   * Returns confirmed ranges that were found before `beforeUs` and for which `isOver` holds, and past ranges. They no longer wait.
   */
  take(beforeUs: number, isOver: (range: MissingIds) => boolean): readonly MissingIds[];
  /** Returns how many ranges wait. */
  waiting(): number;
  /** Returns the waiting ranges; they continue to wait. */
  open(): readonly MissingIds[];
  /** Continues where the parent process is: after `lastId`, received at `lastUs`, with `open` as waiting ranges. */
  inherit(lastId: number, lastUs: number, open: readonly MissingIds[]): void;
};

/** The state of an epoch when the next epoch began. */
export type MissingIdsMark = {
  readonly highest: HighestRecord | null;
  readonly fresh: readonly MissingIds[];
};

/** The state before the first record. */
export const noMark: MissingIdsMark = { highest: null, fresh: [] };

/** Most waiting ranges. Beyond it the last range grows over received ids: a range too large is better than a forgotten range. */
const mostWaiting = 1000;

/** Longest glitch (ids jump and return), µs, and most reported ranges that are remembered for it. */
const glitchUs = 10_000_000;
const mostReported = 8;

/** Most records that may be missing around a glitch. */
export const mostLeftOut = 100;

/** A range followed by fewer records may be a glitch. */
const fewRecords = 100;

/**
 * A range; `at`, `ids`: records ahead when it was found, and their ids. `isOpen`: its first part was filled, and no record has followed since.
 */
type WaitingRange = MissingIds & { readonly at: number; readonly ids: number; readonly isOpen?: boolean };

/** Most missing ids that are compared one by one with ids that came ahead of their turn. */
const mostLookedFor = 256;

/** Creates the finder. `lastId`: the last id of an earlier run, or null. */
export function createMissingIdsFinder(lastId: number | null): MissingIdsFinder {
  /** Ids are expected from the next id on; null before the first record. After a glitch it is the record before the jump. */
  let highest: HighestRecord | null = lastId === null ? null : { id: lastId, recvUs: 0 };
  /** Confirmed ranges, ranges of the newest record, and ranges of earlier epochs. */
  let confirmed: WaitingRange[] = [];
  let fresh: WaitingRange[] = [];
  let pastRanges: WaitingRange[] = [];
  let reported: readonly WaitingRange[] = [];
  let records = 0;
  let ids = 0;
  let hasOpen = false;

  function add(range: MissingIds): void {
    const last = confirmed.length + fresh.length < mostWaiting ? undefined : (fresh.pop() ?? confirmed.pop());
    fresh.push({
      ...range,
      fromId: last?.fromId ?? range.fromId,
      fromUs: last?.fromUs ?? range.fromUs,
      at: records,
      ids,
    });
  }

  function without(all: WaitingRange[], firstId: number, id: number, recvUs: number): WaitingRange[] {
    if (!all.some((range) => id >= range.fromId && firstId <= range.toId)) return all;
    return all.flatMap((range) => {
      if (id < range.fromId || firstId > range.toId) return [range];
      hasOpen = true;
      // A record that fills a range later did not lag: the ids had jumped.
      const fromUs = recvUs - range.toUs > usualLagUs ? recvUs : range.fromUs;
      const lower = { ...range, toId: firstId - 1, toUs: Math.max(range.toUs, recvUs) };
      const upper = { ...range, fromId: id + 1, fromUs, toUs: Math.max(range.toUs, fromUs), isOpen: true };
      return [lower, upper].filter(({ fromId, toId }) => fromId <= toId);
    });
  }

  return {
    advance(firstId, id, recvUs, isRecorded) {
      records++;
      if (fresh.length > 0) {
        confirmed.push(...fresh);
        fresh = [];
      }
      const skipped = highest === null ? null : skippedIds(highest, firstId, recvUs);
      if (skipped !== null) for (const range of withoutRecorded(skipped, isRecorded)) add(range);
      highest = { id, recvUs };
      ids += id - firstId + 1;
    },
    fill(firstId, id, recvUs) {
      const [confirmedBefore, freshBefore] = [confirmed, fresh];
      confirmed = without(confirmed, firstId, id, recvUs);
      fresh = without(fresh, firstId, id, recvUs);
      return confirmed !== confirmedBefore || fresh !== freshBefore;
    },
    pass(id, recvUs) {
      if (!hasOpen) return;
      const end = (range: WaitingRange) =>
        range.isOpen && id > range.toId ? { ...range, toUs: Math.max(range.toUs, recvUs), isOpen: false } : range;
      confirmed = confirmed.map(end);
      fresh = fresh.map(end);
      hasOpen = [...confirmed, ...fresh].some(({ isOpen }) => isOpen);
    },
    retract(firstId, id, recvUs) {
      const holds = (range: MissingIds) => id >= range.fromId && firstId <= range.toId;
      const waiting = [...confirmed, ...fresh].find(holds);
      const before = waiting ?? reported.findLast((range) => holds(range) && recvUs - range.toUs < glitchUs);
      if (before === undefined) return null;
      // Ids that return go on where the jump began, behind those that the records since then have taken.
      const taken = ids - before.ids;
      const isElsewhere = firstId - before.fromId > taken + (mostLeftOut * taken) / (records - before.at + 1);
      if (isElsewhere) return "elsewhere";
      // Earlier ranges stay missing: another connection has left them behind.
      confirmed = [...confirmed, ...fresh].filter(({ toId }) => toId < before.fromId);
      fresh = [];
      // The reported part before this record stays missing.
      highest = { id: (waiting === undefined ? firstId : before.fromId) - 1, recvUs: before.fromUs };
      if (waiting !== undefined) return { given: null };
      reported = reported.filter((range) => range !== before);
      return { given: { ...withoutState(before), fromId: Math.max(firstId, before.fromId) } };
    },
    isDoubtful: (firstId, id) =>
      [...confirmed, ...fresh].some(
        ({ fromId, toId, at }) => id >= fromId && firstId <= toId && records - at < fewRecords,
      ),
    restart(id, recvUs) {
      pastRanges = [...pastRanges, ...confirmed, ...fresh];
      [confirmed, fresh] = [[], []];
      highest = { id, recvUs };
    },
    mark: () => ({ highest, fresh }),
    returnTo(mark) {
      ({ highest } = mark);
      fresh = pastRanges.filter((range) => mark.fresh.includes(range));
      confirmed = pastRanges.filter((range) => !mark.fresh.includes(range));
      pastRanges = [];
    },
    take(beforeUs, isOver) {
      if (confirmed.length === 0 && pastRanges.length === 0) return noRanges;
      const resolved = confirmed.filter((range) => range.toUs < beforeUs && isOver(range));
      const resolvedPast = pastRanges.filter(({ toUs }) => toUs < beforeUs);
      if (resolved.length > 0) {
        confirmed = confirmed.filter((range) => !resolved.includes(range));
        reported = [...reported, ...resolved].slice(-mostReported);
      }
      if (resolvedPast.length > 0) pastRanges = pastRanges.filter((range) => !resolvedPast.includes(range));
      return [...resolvedPast, ...resolved].map(withoutState);
    },
    waiting: () => confirmed.length + fresh.length + pastRanges.length,
    open: () => [...pastRanges, ...confirmed, ...fresh].map(withoutState),
    inherit(lastId, atUs, open) {
      highest = { id: lastId, recvUs: atUs };
      confirmed = open.map((range) => ({ ...range, at: 0, ids: 0 }));
    },
  };
}

const noRanges: readonly MissingIds[] = [];

function withoutState({ fromId, toId, fromUs, toUs }: MissingIds): MissingIds {
  return { fromId, toId, fromUs, toUs };
}

/** Returns the parts of skipped ids that had not arrived ahead of their turn. */
function withoutRecorded(skipped: MissingIds, isRecorded: (id: number) => boolean): readonly MissingIds[] {
  if (skipped.toId - skipped.fromId >= mostLookedFor) return [skipped];
  const ahead: IdRange[] = [];
  for (let id = skipped.fromId; id <= skipped.toId; id++) if (isRecorded(id)) ahead.push({ first: id, last: id });
  return missingOutside(skipped, ahead);
}
