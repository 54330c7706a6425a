import type { StreamKind } from "../stream.ts";
import { recvUsAt } from "./line-scan.ts";

/** The members by which the records of a stream are told apart, as in `recordId`; a trade refetched over REST calls it `id`. */
const members: Readonly<Record<StreamKind, readonly Buffer[]>> = {
  partialDepth: [Buffer.from('"lastUpdateId":')],
  depthSnapshot: [Buffer.from('"lastUpdateId":')],
  diffDepth: [Buffer.from('"u":')],
  aggTrade: [Buffer.from('"a":')],
  trade: [Buffer.from('"t":'), Buffer.from('"id":')],
  bookTicker: [Buffer.from('"u":')],
};

const repaired = Buffer.from(',"repaired":true');
const zero = 48;

/** Id of the line in [at, end), or -1 if it has none. Works on bytes, as all that looks at every line. */
export function lineId(bytes: Buffer, at: number, end: number, kind: StreamKind): number {
  for (const member of members[kind]) {
    const found = bytes.subarray(at, end).indexOf(member);
    if (found < 0) continue;
    let pos = at + found + member.length;
    let id = 0;
    const from = pos;
    for (; (bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) < zero + 10; pos++) id = id * 10 + (bytes[pos] ?? 0) - zero;
    if (pos > from) return id;
  }
  return -1;
}

/** When the record of a line was received, µs; infinitely late if it was refetched, so that any received one is better. */
export function arrivalUs(bytes: Buffer, at: number, end: number): number {
  const head = bytes.subarray(at, Math.min(end, at + 80));
  return head.includes(repaired) ? Number.POSITIVE_INFINITY : recvUsAt(bytes, at);
}
