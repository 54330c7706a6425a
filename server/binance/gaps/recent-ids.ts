import { withMilliseconds } from "../../domain/market/exchange-time.ts";
import { eventTimeMember } from "../../domain/stream-kind-facts.ts";

/** The newest ids of a stream, each with a mark (hash) of its content. */
export type RecentIds = {
  /** Returns the highest id added, or the id set by `setHigh`; -Infinity while empty. */
  high(): number;
  /** Returns the highest id ever added, including jumps; -Infinity while empty. */
  top(): number;
  /** Sets the id behind which the next ids are expected, although higher ids are remembered. */
  setHigh(id: number): void;
  /** Returns the oldest remembered id; -Infinity while no id has been forgotten. */
  low(): number;
  add(id: number, mark: number): void;
  /** Returns the mark of a remembered id, or null. If the id came with several contents, `mark` is preferred. */
  find(id: number, mark: number): number | null;
  /** Returns the remembered ids and marks, oldest first. */
  entries(): { readonly ids: readonly number[]; readonly marks: readonly number[] };
};

/** Ids remembered: about half a minute of a 100 ms stream. */
const size = 256;

/** Creates an empty ring. A lookup searches from the newest id back to the wanted id. */
export function createRecentIds(): RecentIds {
  const ids = new Float64Array(size);
  const marks = new Int32Array(size);
  let count = 0;
  let high = Number.NEGATIVE_INFINITY;
  let top = Number.NEGATIVE_INFINITY;

  return {
    top: () => top,
    high: () => high,
    setHigh(id) {
      high = id;
    },
    low: () => (count < size ? Number.NEGATIVE_INFINITY : (ids[count % size] ?? 0)),
    add(id, mark) {
      ids[count % size] = id;
      marks[count % size] = mark;
      count++;
      if (id > high) high = id;
      if (id > top) top = id;
    },
    find(id, mark) {
      const oldest = Math.max(0, count - size);
      let otherMark: number | null = null;
      for (let at = count - 1; at >= oldest; at--) {
        if (ids[at % size] !== id) continue;
        if (marks[at % size] === mark) return mark;
        otherMark ??= marks[at % size] ?? 0;
      }
      return otherMark;
    },
    entries() {
      const kept = Array.from({ length: Math.min(count, size) }, (_, n) => (Math.max(0, count - size) + n) % size);
      return { ids: kept.map((at) => ids[at] ?? 0), marks: kept.map((at) => marks[at] ?? 0) };
    },
  };
}

/** Characters to skip: event name and event time, which differ between sockets for the same event. */
const contentFrom = 40;
/** Payloads up to `wholeUpTo` characters are hashed completely, longer payloads at `samples` places. */
const wholeUpTo = 512;
const samples = 48;

/**
 * Computes the content mark: a hash of the payload's length and its characters, or of samples in long payloads. The unit of times makes no
 * difference: during an upgrade that changes `exchange.time_unit`, two connections deliver the same record in both units.
 */
export function contentMark(sent: string): number {
  const payload = hasLongTime(sent) ? withMilliseconds(sent) : sent;
  const { length } = payload;
  const step = length <= wholeUpTo ? 1 : Math.ceil((length - contentFrom) / samples);
  let mark = length;
  for (let at = contentFrom; at < length; at += step) mark = (mark * 31 + payload.charCodeAt(at)) | 0;
  return mark;
}

const eventTimeMark = `"${eventTimeMember}":`;

/** True if the payload has an event time in µs, which is three digits longer. */
function hasLongTime(payload: string): boolean {
  if (!payload.startsWith(eventStart)) return false;
  const at = payload.indexOf(eventTimeMark) + eventTimeMark.length + 15;
  const code = payload.charCodeAt(at);
  return code >= 48 && code <= 57;
}

const eventStart = '{"e":';
