import { type ReadOptions, readLineBytes } from "./read/archive-reader.ts";

/** Totals of the scanned lines. */
export type LineStats = {
  rows: number;
  bytes: number;
  /** Start of the day, µs. */
  readonly dayStartUs: number;
  /** 1440 counts by minute. Lines of another day are not counted. */
  readonly perMinute: Uint32Array;
  firstUs: number;
  lastUs: number;
  /** Lines whose time is before the time of the previous line. */
  disordered: number;
  refetched: number;
  /** Counts by whole ms from `lowestDelay`, in pages of 1024. Values out of range count in the first or last counter. */
  readonly delays: (Uint32Array | undefined)[];
};

/** Smallest delay with its own counter, ms. */
const lowestDelay = -10_000;
const delayCounts = 130_001;
const pageBits = 10;
const pageCounts = 1 << pageBits;
const minuteUs = 60_000_000;

/** Creates empty totals. */
export function createLineStats(dayStartUs: number): LineStats {
  return {
    rows: 0,
    bytes: 0,
    dayStartUs,
    firstUs: 0,
    lastUs: 0,
    disordered: 0,
    refetched: 0,
    perMinute: new Uint32Array(1440),
    delays: [],
  };
}

/** Returns the delay quantile for a share of the lines, whole ms; null if no line has a delay. */
export function delayQuantile(stats: LineStats, share: number): number | null {
  const { delays } = stats;
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

/** Reads `recv_us` of the line that begins at `at`; -1 if the line does not have our format. */
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
 * Scans whole lines of `bytes` in [from, to) and adds them to the totals.
 * Stops at a line with `recv_us` above `limit` or with another format. Returns the position of that line, or `to`.
 * Works on bytes, because a string per line would cost more than all other work.
 */
export function scanLines(bytes: Buffer, from: number, to: number, limit: number, stats: LineStats): number {
  let at = from;
  while (at < to) {
    const recvUs = recvUsAt(bytes, at);
    if (recvUs < 0 || recvUs > limit) break;
    const end = bytes.indexOf(newline, at + headStart.length);
    if (bytes[end - 1] !== closing || !addHead(bytes, at, stats)) break;
    addTime(recvUs, stats);
    at = end + 1;
  }
  stats.bytes += at - from;
  return at;
}

function addTime(recvUs: number, stats: LineStats): void {
  if (stats.rows === 0) stats.firstUs = recvUs;
  else if (recvUs < stats.lastUs) stats.disordered++;
  stats.lastUs = recvUs;
  stats.rows++;
  const minute = Math.floor((recvUs - stats.dayStartUs) / minuteUs);
  if (minute >= 0 && minute < 1440) stats.perMinute[minute] = (stats.perMinute[minute] ?? 0) + 1;
}

/** Adds the delay and the backfill mark of a line. False if the rest of the head does not have our format. */
function addHead(bytes: Buffer, at: number, stats: LineStats): boolean {
  let pos = bytes.indexOf(comma, at + headStart.length);
  for (let i = 0; i < delayStart.length; i++) if (bytes[pos + i] !== delayStart[i]) return false;
  pos += delayStart.length;
  if (bytes[pos] === letterN) {
    pos += 4;
    if (bytes[pos] === comma && isAt(bytes, pos, repairedStart)) stats.refetched++;
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
  let page = stats.delays[count >> pageBits];
  if (page === undefined) stats.delays[count >> pageBits] = page = new Uint32Array(pageCounts);
  page[count & (pageCounts - 1)] = (page[count & (pageCounts - 1)] ?? 0) + 1;
  return true;
}

function isAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** Result of scanning a file. `foreign` counts lines that do not have our format. */
export type SegmentScan = { readonly tally: LineStats; readonly foreign: number };

/** Scans a whole segment or archive in bounded memory. @throws FileError as `readLineBytes` does. */
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

/** Scans whole lines and returns the number of foreign lines. */
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
