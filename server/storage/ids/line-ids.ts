import { byKind, idMembers, type StreamKind } from "../../domain/stream-kinds.ts";
import { recvUsAt } from "../line-stats.ts";

/** The members that hold the id of a record, as in `recordId`. A trade backfilled over REST calls it `id`. */
const members = byKind((kind) => idMembers(kind).map((name) => Buffer.from(`"${name}":`)));

const backfilledHead = Buffer.from(',"net_delay_ms":null,"repaired":true');
const comma = 44;
const zero = 48;

/** Reads the id of the line in [at, end); -1 if it has none. Works on bytes, because it runs for every line. */
export function lineId(bytes: Buffer, at: number, end: number, kind: StreamKind): number {
  for (const member of members[kind]) {
    const memberAt = bytes.indexOf(member, at);
    if (memberAt < 0 || memberAt >= end) continue;
    let pos = memberAt + member.length;
    let id = 0;
    const from = pos;
    for (; (bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) < zero + 10; pos++) id = id * 10 + (bytes[pos] ?? 0) - zero;
    if (pos > from) return id;
  }
  return -1;
}

/**
 * Reads the key by which two recorders' lines are compared: the id; for a kind without ids `recv_us`, since equal lines were then received
 * at the same µs. -1 if the line has none.
 */
export function lineKey(bytes: Buffer, at: number, end: number, kind: StreamKind): number {
  return members[kind].length === 0 ? recvUsAt(bytes, at) : lineId(bytes, at, end, kind);
}

/** Returns when the record of a line was received, µs; Infinity if it was backfilled, so that a received record is preferred. */
export function arrivalUs(bytes: Buffer, at: number): number {
  const head = bytes.indexOf(comma, at);
  for (let i = 0; i < backfilledHead.length; i++) if (bytes[head + i] !== backfilledHead[i]) return recvUsAt(bytes, at);
  return Number.POSITIVE_INFINITY;
}
