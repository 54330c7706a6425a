import type { HolesMark } from "./holes.ts";
import type { IdRing } from "./id-ring.ts";

/** A numbering: what has been recorded of it. */
export type Epoch = { readonly ring: IdRing; first: number };

/** A numbering that has just begun, and the one before, to which the ids may be back with one of the next records. */
export type Attempt = {
  readonly before: Epoch;
  readonly mark: HolesMark;
  /** How far its connection had come before, and the id with which it seemed to begin. */
  readonly highest: number;
  readonly id: number;
  readonly sinceUs: number;
  records: number;
};

export type Arrived = { readonly firstId: number; readonly id: number; readonly mark: number; readonly recvUs: number };

/** A numbering has begun for good after so many records, or this time, µs. */
const surelyRecords = 20;
const surelyUs = 10_000_000;

/** No trades are missed in a row as long as this: it is another numbering. */
export const longestHole = 100_000_000;

/** Counts a record; true once the numbering has begun for good. */
export function isSure(tried: Attempt, recvUs: number): boolean {
  return tried.records++ >= surelyRecords || recvUs - tried.sinceUs > surelyUs;
}

/** True if a record goes on in the numbering before rather than in the one that its connection seemed to begin. */
export function isBack(tried: Attempt, current: Epoch, { firstId, id, mark }: Arrived): boolean {
  if (id !== tried.id && tried.before.ring.find(id, mark) === mark) return true;
  return firstId > tried.highest && firstId - tried.highest <= Math.abs(firstId - current.ring.high());
}
