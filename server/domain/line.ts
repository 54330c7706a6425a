import type { IdRange } from "./ids/id-ranges.ts";
import { byKind, idMembers, type StreamKind, streamKinds } from "./stream-kinds.ts";

/** What a stored line adds to the payload. */
export type LineHead = {
  /** Local receipt time, µs since the Unix epoch. */
  readonly recvUs: number;
  /** Estimated one-way delay at that moment, ms; null while unknown. */
  readonly netDelayMs: number | null;
};

/** A decoded line. `payload` is the exchange's own text, byte for byte. */
export type Line = LineHead & {
  /** True if the record was backfilled over REST. */
  readonly repaired: boolean;
  readonly payload: string;
};

/**
 * Encodes a payload as a line with its newline.
 * Our members are inserted before the payload's own members, which stay untouched. `payload` must be the text of a JSON object.
 */
export function encodeLine(payload: string, recvUs: number, netDelayMs: number | null): string {
  return `${lineHead(recvUs, netDelayMs)}${payload.length === 2 ? "}" : `,${payload.slice(1)}`}\n`;
}

/**
 * Encodes a trade that was backfilled over REST as a line with its newline.
 * `recv_us` is the time of the trade. `payload` is the text of the REST object.
 */
export function encodeBackfilledLine(payload: string, tradeUs: number): string {
  return `${lineHead(tradeUs, null)},"repaired":true,${payload.slice(1)}\n`;
}

/** Returns the start of a line, up to the place where the payload's first member follows after a comma. */
export function lineHead(recvUs: number, netDelayMs: number | null): string {
  return `{"recv_us":${recvUs},"net_delay_ms":${netDelayMs}`;
}

const linePattern = /^\{"recv_us":(\d{1,16}),"net_delay_ms":(-?\d+(?:\.\d+)?|null)(,"repaired":true)?(?:,(?=")|(?=\}))/;

/** Decodes a stored line (without its newline); null if it does not have our format. */
export function decodeLine(line: string): Line | null {
  const match = linePattern.exec(line);
  if (match === null || !line.endsWith("}")) return null;
  return {
    recvUs: Number(match[1]),
    netDelayMs: match[2] === "null" ? null : Number(match[2]),
    repaired: match[3] !== undefined,
    payload: `{${line.slice(match[0].length)}`,
  };
}

/** Null for kinds without ids. */
const idPatterns = byKind((kind) => (idMembers(kind).length === 0 ? null : memberPattern(idMembers(kind))));

/** Null for kinds of which a record covers one id. */
const firstIdPatterns = byKind((kind) => {
  const { firstId } = streamKinds[kind];
  return firstId === null ? null : memberPattern([firstId]);
});

/**
 * Extracts the id by which Binance orders this stream; null without id. Accepts payloads and stored lines.
 * `lastUpdateId` of a book, the final `u` of a diff or bookTicker, `a` of an aggTrade, `t` of a trade (`id` over REST).
 */
export function recordId(text: string, kind: StreamKind): number | null {
  return integerIn(text, idPatterns[kind]);
}

/** Extracts the ids that a record covers: `U` to `u` of a diff, otherwise its id alone. Null if the text has none. */
export function recordIds(text: string, kind: StreamKind): IdRange | null {
  const last = recordId(text, kind);
  return last === null ? null : { first: integerIn(text, firstIdPatterns[kind]) ?? last, last };
}

function memberPattern(names: readonly string[]): RegExp {
  return new RegExp(`"(?:${names.join("|")})":(\\d+)`);
}

function integerIn(text: string, pattern: RegExp | null): number | null {
  const match = pattern?.exec(text) ?? null;
  return match === null ? null : Number(match[1]);
}
