import { type ReadOptions, readLineBytes } from "./read/archive-reader.ts";

/** What a scan adds up over the lines it passes. */
export type LineStats = {
  rows: number;
  bytes: number;
  /** µs at which the day begins. */
  readonly dayStartUs: number;
  /** 1440 counts; a line of another day is in none. */
  readonly perMinute: Uint32Array;
  firstUs: number;
  lastUs: number;
  /** Lines whose time is before that of the line in front. */
  disordered: number;
  refetched: number;
  /** Counts by whole ms, from `lowestDelay` on, in pages of 1024; what lies outside is in the first and last. */
  readonly delays: (Uint32Array | undefined)[];
};

/** Smallest delay with a count of its own, ms. */
const lowestDelay = -10_000;
const delayCounts = 130_001;
const pageBits = 10;
const pageCounts = 1 << pageBits;
const minuteUs = 60_000_000;

/** A tally of nothing yet. */
export function createLineStats(dayStartUs: number): LineStats {
  return {
    ...{ rows: 0, bytes: 0, dayStartUs, firstUs: 0, lastUs: 0, disordered: 0, refetched: 0 },
    perMinute: new Uint32Array(1440),
    delays: [],
  };
}

/** The delay below which a share of the counted lines lies, whole ms, or null if none had one. */
export function delayQuantile(tally: LineStats, share: number): number | null {
  const { delays } = tally;
  let total = 0;
  for (const page of delays) for (const count of page ?? []) total += count;
  let below = 0;
  for (const [n, page] of delays.entries()) {
    for (const [at, count] of page?.entries() ?? []) {
      below += count;
      if (below > 0 && below >= share * total) return lowestDelay + n * pageCounts + at;
    }
  }
  return null;
}

const headStart = Buffer.from('{"recv_us":');
const delayStart = Buffer.from(',"net_delay_ms":');
const repairedStart = Buffer.from(',"repaired":true');
const newline = 10;
const quote = 34;
const comma = 44;
const minus = 45;
const point = 46;
const zero = 48;
const letterN = 110;
const closing = 125;

/** `recv_us` of the line that begins at `at`, or -1 if it is not one of ours. */
export function recvUsAt(bytes: Buffer, at: number): number {
  for (let i = 0; i < headStart.length; i++) if (bytes[at + i] !== headStart[i]) return -1;
  const from = at + headStart.length;
  let value = 0;
  let pos = from;
  for (; pos < from + 17; pos++) {
    const digit = (bytes[pos] ?? 0) - zero;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return pos === from || pos === from + 17 || bytes[pos] !== comma ? -1 : value;
}

/**
 * Passes whole lines of `bytes` in [from, to) and adds them up, until one has a `recv_us` above `limit` or is none of ours.
 * Returns where it stopped, which is the start of a line or `to`. Works on bytes: a string of every line would cost more than
 * all the rest.
 */
export function scanLines(bytes: Buffer, from: number, to: number, limit: number, tally: LineStats): number {
  let at = from;
  while (at < to) {
    const recvUs = recvUsAt(bytes, at);
    if (recvUs < 0 || recvUs > limit) break;
    const end = bytes.indexOf(newline, at + headStart.length);
    if (bytes[end - 1] !== closing || !addHead(bytes, at, tally)) break;
    addTime(recvUs, tally);
    at = end + 1;
  }
  tally.bytes += at - from;
  return at;
}

function addTime(recvUs: number, tally: LineStats): void {
  if (tally.rows === 0) tally.firstUs = recvUs;
  else if (recvUs < tally.lastUs) tally.disordered++;
  tally.lastUs = recvUs;
  tally.rows++;
  const minute = Math.floor((recvUs - tally.dayStartUs) / minuteUs);
  if (minute >= 0 && minute < 1440) tally.perMinute[minute] = (tally.perMinute[minute] ?? 0) + 1;
}

/** Adds the delay and the mark of a refetched line; false if the rest of the head is not ours. */
function addHead(bytes: Buffer, at: number, tally: LineStats): boolean {
  let pos = bytes.indexOf(comma, at + headStart.length);
  for (let i = 0; i < delayStart.length; i++) if (bytes[pos + i] !== delayStart[i]) return false;
  pos += delayStart.length;
  if (bytes[pos] === letterN) {
    pos += 4;
    if (bytes[pos] === comma && isAt(bytes, pos, repairedStart)) tally.refetched++;
    return bytes[pos] === comma || bytes[pos] === closing;
  }
  const negative = bytes[pos] === minus;
  if (negative) pos++;
  const from = pos;
  let value = 0;
  for (; (bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) < zero + 10; pos++)
    value = value * 10 + (bytes[pos] ?? 0) - zero;
  if (pos === from) return false;
  if (bytes[pos] === point) {
    const part = (bytes[++pos] ?? 0) - zero;
    if (part >= 5) value++;
    while ((bytes[pos] ?? 0) >= zero && (bytes[pos] ?? 0) < zero + 10) pos++;
  }
  if (bytes[pos] !== comma && bytes[pos] !== closing) return false;
  if (bytes[pos] === comma && bytes[pos + 1] !== quote) return false;
  const count = Math.min(delayCounts - 1, Math.max(0, (negative ? -value : value) - lowestDelay));
  let page = tally.delays[count >> pageBits];
  if (page === undefined) tally.delays[count >> pageBits] = page = new Uint32Array(pageCounts);
  page[count & (pageCounts - 1)] = (page[count & (pageCounts - 1)] ?? 0) + 1;
  return true;
}

function isAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** What the lines of a file add up to; `foreign` of them are none of ours. */
export type SegmentScan = { readonly tally: LineStats; readonly foreign: number };

/** Reads a segment or archive whole, in bounded memory. Throws a FileError as `readLineBytes` does. */
export async function scanSegment(
  path: string,
  dayStartUs: number,
  options: ReadOptions & { readonly onLines?: (lines: Buffer) => void } = {},
): Promise<SegmentScan> {
  const tally = createLineStats(dayStartUs);
  let foreign = 0;
  for await (const lines of readLineBytes(path, options)) {
    foreign += scanAll(lines, tally);
    options.onLines?.(lines);
  }
  return { tally, foreign };
}

/** Adds up whole lines; returns how many of them are none of ours. */
function scanAll(lines: Buffer, tally: LineStats): number {
  let foreign = 0;
  for (let at = 0; at < lines.length; ) {
    at = scanLines(lines, at, lines.length, Number.POSITIVE_INFINITY, tally);
    if (at === lines.length) break;
    foreign++;
    at = lines.indexOf(10, at) + 1;
  }
  return foreign;
}
