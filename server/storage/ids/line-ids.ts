import { byKind, idMembers, type StreamKind } from "../../domain/stream-kinds.ts";
import { recvUsAt } from "../line-stats.ts";

/** The members by which the records of a stream are told apart, as in `recordId`; a trade refetched over REST calls it `id`. */
const members = byKind((kind) => idMembers(kind).map((name) => Buffer.from(`"${name}":`)));

const refetched = Buffer.from(',"net_delay_ms":null,"repaired":true');
const comma = 44;
const zero = 48;

/** Id of the line in [at, end), or -1 if it has none. Works on bytes, as all that looks at every line. */
export function lineId(bytes: Buffer, at: number, end: number, kind: StreamKind): number {
  for (const member of members[kind]) {
    const found = bytes.indexOf(member, at);
    if (found < 0 || found >= end) continue;
    let pos = found + member.length;
    let id = 0;
    const from = pos;
    for (; (bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) < zero + 10; pos++) id = id * 10 + (bytes[pos] ?? 0) - zero;
    if (pos > from) return id;
  }
  return -1;
}

/** When the record of a line was received, µs; infinitely late if it was refetched, so that any received one is better. */
export function arrivalUs(bytes: Buffer, at: number): number {
  const head = bytes.indexOf(comma, at);
  for (let i = 0; i < refetched.length; i++) if (bytes[head + i] !== refetched[i]) return recvUsAt(bytes, at);
  return Number.POSITIVE_INFINITY;
}
