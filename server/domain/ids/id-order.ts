import { isContiguous, isNumbered, type StreamKind } from "../stream-kinds.ts";
import { type IdRange, idsOutside } from "./id-ranges.ts";

/** A record: the ids that it covers, and its receipt, µs. Only a diff covers several ids. */
export type IdRow = IdRange & { readonly recvUs: number };

/** The record with the highest id so far, µs. */
export type HighestRecord = { readonly id: number; readonly recvUs: number };

/** A range of ids that must exist but that no record has. `fromUs`, `toUs`: receipt of the record before it and of the record after it, µs. */
export type MissingIds = {
  readonly fromId: number;
  readonly toId: number;
  readonly fromUs: number;
  readonly toUs: number;
};

/** Time by which one connection usually lags behind another at most, µs. */
export const usualLagUs = 5_000_000;

/** Longest time by which one connection may lag behind another, µs. Ids that have not come by then do not come any more. */
export const longestLagUs = 30_000_000;

/** No pause misses more trades. If their ids jump further, the exchange has begun a new numbering, e.g. after a relisting. */
const mostMissing = 100_000_000;

/** Tests whether trade ids that go from `before` to `next` are a new numbering, so that none in between is missing. */
export function isNewNumbering(before: number, next: number): boolean {
  return next - before > mostMissing;
}

/** Returns the ids between the highest record and a record ahead of it; null if there are none. */
export function skippedIds({ id, recvUs: fromUs }: HighestRecord, firstId: number, toUs: number): MissingIds | null {
  return firstId > id + 1 ? { fromId: id + 1, toId: firstId - 1, fromUs, toUs } : null;
}

/**
 * Returns the ids that a record proves to be missing, in the order of a file. Null if none is, if ids of this kind are not contiguous, or if
 * the record begins a new numbering.
 */
export function missingBefore(kind: StreamKind, highest: HighestRecord | null, row: IdRow): MissingIds | null {
  if (highest === null || !isContiguous(kind)) return null;
  if (isNumbered(kind) && isNewNumbering(highest.id, row.first)) return null;
  return skippedIds(highest, row.first, row.recvUs);
}

/** Returns the higher of two records. Rows of slower connections come late, with lower ids. */
export function higherOf(highest: HighestRecord | null, { last, recvUs }: IdRow): HighestRecord {
  return highest === null || last > highest.id ? { id: last, recvUs } : highest;
}

/**
 * Removes the ids of a late record from missing ids, which are in ascending order. Returns how many of its ids were missing: fewer than it
 * covers if some had come before.
 */
export function removeIds(missing: MissingIds[], { first, last }: IdRange): number {
  let removed = 0;
  if (last < (missing[0]?.fromId ?? Number.POSITIVE_INFINITY)) return removed;
  for (let at = missing.length - 1; at >= 0; at--) {
    const range = missing[at];
    if (range === undefined || range.fromId > last) continue;
    if (range.toId < first) break;
    missing.splice(at, 1, ...missingOutside(range, [{ first, last }]));
    removed += Math.min(last, range.toId) - Math.max(first, range.fromId) + 1;
  }
  return removed;
}

/**
 * Removes backfilled ids from missing ids, each id once. They may be in any order. Returns the rest of the missing ids, and the backfilled ids
 * that were not missing.
 */
export function removeBackfilled(
  missing: readonly MissingIds[],
  runs: readonly IdRange[],
): { rest: MissingIds[]; unused: IdRange[] } {
  const rest: MissingIds[] = [];
  const unused: IdRange[] = [];
  const queue = runs.toSorted((a, b) => a.first - b.first);
  for (const range of missing.toSorted((a, b) => a.fromId - b.fromId)) {
    let nextId = range.fromId;
    for (let run = queue[0]; run !== undefined && run.first <= range.toId; run = queue[0]) {
      queue.shift();
      const first = Math.max(run.first, nextId);
      const last = Math.min(run.last, range.toId);
      if (run.first < first) unused.push({ first: run.first, last: Math.min(run.last, first - 1) });
      if (first <= last) {
        if (first > nextId) rest.push({ ...range, fromId: nextId, toId: first - 1 });
        nextId = last + 1;
      }
      if (run.last > range.toId) {
        queue.unshift({ first: Math.max(run.first, range.toId + 1), last: run.last });
        break;
      }
    }
    if (nextId <= range.toId) rest.push({ ...range, fromId: nextId });
  }
  return { rest, unused: [...unused, ...queue] };
}

/** Returns the parts of missing ids that lie in none of the ranges, which are in ascending order and may overlap. */
export function missingOutside(missing: MissingIds, ids: readonly IdRange[]): MissingIds[] {
  const rest = idsOutside({ first: missing.fromId, last: missing.toId }, ids);
  return rest.map(({ first, last }) => ({ ...missing, fromId: first, toId: last }));
}
