import { byKind, idMembers, type StreamKind, streamKinds } from "./stream-kinds.ts";

/** What we know of a line besides the payload. */
export type LineHead = {
  /** Local receipt time, µs since the Unix epoch. */
  readonly recvUs: number;
  /** One-way delay estimate at that moment, ms; null while unknown. */
  readonly netDelayMs: number | null;
};

/** A stored line taken apart again. `payload` is the exchange's own text, byte for byte. */
export type Line = LineHead & {
  /** Refetched over REST after a hole. */
  readonly repaired: boolean;
  readonly payload: string;
};

/**
 * The line of one payload, with its newline: our members are spliced in front of the payload's own, which are not touched.
 * `payload` must be the text of a JSON object.
 */
export function encodeLine(payload: string, recvUs: number, netDelayMs: number | null): string {
  return `${lineHead(recvUs, netDelayMs)}${payload.length === 2 ? "}" : `,${payload.slice(1)}`}\n`;
}

/**
 * The line of a trade that was refetched over REST, with its newline: the trade's own time stands for that of its receipt.
 * `payload` is the text of the REST object.
 */
export function encodeBackfilledLine(payload: string, tradeUs: number): string {
  return `${lineHead(tradeUs, null)},"repaired":true,${payload.slice(1)}\n`;
}

/** The opening of a line, up to where the payload's first member would follow after a comma. */
export function lineHead(recvUs: number, netDelayMs: number | null): string {
  return `{"recv_us":${recvUs},"net_delay_ms":${netDelayMs}`;
}

const linePattern = /^\{"recv_us":(\d{1,16}),"net_delay_ms":(-?\d+(?:\.\d+)?|null)(,"repaired":true)?(?:,(?=")|(?=\}))/;

/** Takes a stored line (without its newline) apart, or returns null if it is not one of ours. */
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

const idPatterns = byKind((kind) => memberPattern(idMembers(kind)));

/** Null for kinds of which a record covers one id. */
const firstIdPatterns = byKind((kind) => {
  const { firstId } = streamKinds[kind];
  return firstId === null ? null : memberPattern([firstId]);
});

/**
 * The update or trade id by which Binance orders this stream: `lastUpdateId`, the final `u` of a diff or bookTicker, the
 * aggregate id `a`, the trade id `t` (`id` in the words of REST); null if the text has none. Works on payloads and on stored lines.
 */
export function recordId(text: string, kind: StreamKind): number | null {
  return integerIn(text, idPatterns[kind]);
}

/** The first id that a record covers: `U` of a diff, which covers all up to its `u`; of others their id. Null if the text has none. */
export function firstRecordId(text: string, kind: StreamKind): number | null {
  return integerIn(text, firstIdPatterns[kind]) ?? recordId(text, kind);
}

function memberPattern(names: readonly string[]): RegExp {
  return new RegExp(`"(?:${names.join("|")})":(\\d+)`);
}

function integerIn(text: string, pattern: RegExp | null): number | null {
  const match = pattern?.exec(text) ?? null;
  return match === null ? null : Number(match[1]);
}
