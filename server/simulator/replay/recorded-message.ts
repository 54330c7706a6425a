import { decodeLine } from "../../domain/line.ts";
import { isMicroseconds } from "../../domain/market/exchange-time.ts";
import {
  createStream,
  depthSnapshot,
  parseStreamName,
  type Stream,
  type StreamName,
  type StreamType,
  typeOfKind,
} from "../../domain/stream.ts";
import { eventTimeMember } from "../../domain/stream-kind-facts.ts";
import { type StreamKind, streamKindNames, streamKinds, timeMembers } from "../../domain/stream-kinds.ts";
import type { LineParser } from "../../storage/read/stream-reader.ts";

/** One recorded message. */
export type RecordedMessage = {
  /** When it was received, µs; what pacing goes by. */
  readonly recvUs: number;
  /** `btcusdt@aggTrade`; for a REST book, the symbol's `depthSnapshot`, which cannot be subscribed to. */
  readonly stream: StreamName;
  /** Null for streams that RT-Data does not record itself (klines): they are played all the same. */
  readonly parsed: Stream | null;
  readonly payload: string;
  /** Another name under which clients may subscribe to the same stream. */
  readonly alias?: string | undefined;
};

export type MessageParser = LineParser<RecordedMessage>;

/** Lines `{"t": receipt in ms, "raw": "message text"}`; a REST book has its `url` beside. */
export function createRawParser(): MessageParser {
  const streams = new Map<string, Stream | null>();
  return (text, from, to) => {
    const members = parseMembers(text.slice(from, to));
    if (members === null) return "damaged";
    const { t, raw, url } = members;
    if (typeof t !== "number" || typeof raw !== "string") return null;
    const named = typeof url === "string" ? restBook(url, raw) : (fromEnvelope(raw) ?? fromPayload(raw));
    if (named === null) return null;
    let parsed = streams.get(named.stream);
    if (parsed === undefined) {
      parsed = named.parsed ?? parseStreamName(named.stream);
      streams.set(named.stream, parsed);
    }
    return { recvUs: Math.round(t * 1000), stream: named.stream, parsed, payload: named.payload };
  };
}

/**
 * Lines of RT-Data's own files, whose folder says which stream they are of. It does not say its speed, so depth goes by the names
 * of both.
 */
export function createLineParser(symbol: string, type: StreamType): MessageParser {
  const parsed = createStream(symbol, type);
  const slow = type.speedMs === 100 ? parseStreamName(`${symbol.toLowerCase()}@${type.folder}`) : null;
  const alias = slow?.name;
  const streamMembers = `{"e":${JSON.stringify(type.name)},"E":`;
  return (text, from, to) => {
    const quick = readHead(text, from, to);
    if (quick !== null) {
      return { recvUs: quick.recvUs, stream: parsed.name, parsed, payload: `{${text.substring(quick.at, to)}`, alias };
    }
    const line = decodeLine(text.substring(from, to));
    if (line === null) return from === to ? null : "damaged";
    const { recvUs, payload } = line;
    if (!line.repaired) return { recvUs, stream: parsed.name, parsed, payload, alias };
    // A trade that was refetched is stored as REST words it; on a stream it has type, event time and symbol as well.
    const values = type.kind === "trade" ? streamTrade(payload) : payload.slice(1);
    const time = /"T":(\d+)/.exec(values)?.[1];
    const whole = time === undefined ? payload : `${streamMembers}${time},"s":${JSON.stringify(symbol)},${values}`;
    return { recvUs, stream: parsed.name, parsed, payload: whole, alias };
  };
}

/** The members of a trade on a stream, from those of `GET /api/v3/historicalTrades`. */
function streamTrade(payload: string): string {
  const member = (name: string) => new RegExp(`"${name}":("[^"]*"|\\w+)`).exec(payload)?.[1] ?? null;
  const trade = `"t":${member("id")},"p":${member("price")},"q":${member("qty")}`;
  return `${trade},"T":${member("time")},"m":${member("isBuyerMaker")},"M":${member("isBestMatch")}}`;
}

const headStart = '{"recv_us":';
const headEnd = ',"net_delay_ms":';

/**
 * Reads the members of a common line in place, many times as fast as `decodeLine`. Null for a line that needs `decodeLine`.
 */
function readHead(text: string, from: number, to: number): { recvUs: number; at: number } | null {
  if (!text.startsWith(headStart, from) || text.charCodeAt(to - 1) !== 125) return null;
  let at = from + headStart.length;
  let recvUs = 0;
  for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48) {
    recvUs = recvUs * 10 + digit;
  }
  // Sixteen digits reach from 2001 to 2286.
  if (at !== from + headStart.length + 16 || !text.startsWith(headEnd, at)) return null;
  at += headEnd.length;
  if (text.startsWith("null", at)) at += 4;
  else {
    const first = at;
    for (let digit = text.charCodeAt(at) - 48; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - 48);
    if (at === first) return null;
  }
  const isPayload = text.startsWith(',"', at) && !text.startsWith("repaired", at + 2);
  return isPayload ? { recvUs, at: at + 1 } : null;
}

function parseMembers(line: string): { t?: unknown; raw?: unknown; url?: unknown } | null {
  if (line.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

type Named = { readonly stream: StreamName; readonly payload: string; readonly parsed?: Stream };

const envelope = /^\{"stream":("(?:[^"\\]|\\.)+"),"data":/;

function fromEnvelope(raw: string): Named | null {
  const match = envelope.exec(raw);
  if (match?.[1] === undefined || !raw.endsWith("}")) return null;
  return { stream: textOf(match[1]), payload: raw.slice(match[0].length, -1) };
}

/** Reads a JSON string; most have no escapes. Empty if it is damaged. */
function textOf(json: string): string {
  if (!json.includes("\\")) return json.slice(1, -1);
  try {
    return JSON.parse(json) as string;
  } catch {
    return "";
  }
}

/** The stream of a message from a raw socket. Partial depth does not name its stream and cannot be attributed. */
function fromPayload(raw: string): Named | null {
  const symbol = textOf(/"s":("(?:[^"\\]|\\.)+")/.exec(raw)?.[1] ?? '""').toLowerCase();
  if (symbol === "") return null;
  const opening = openings.find(({ text }) => raw.startsWith(text));
  return opening === undefined ? null : { stream: `${symbol}@${opening.type.name}`, payload: raw };
}

/** How payloads with a symbol begin: with their event type, or else with their first member. */
const openings = streamKindNames.flatMap((kind) => {
  const { members } = streamKinds[kind];
  const [first] = members;
  if (first === undefined || members.every(({ form }) => form !== "symbol")) return [];
  const value = first.value === null ? "" : `"${first.value}"`;
  return [{ text: `{"${first.name}":${value}`, type: typeOfKind(kind) }];
});

function restBook(url: string, raw: string): Named | null {
  const symbol = /\/depth\?(?:.*&)?symbol=([^&]+)/.exec(url)?.[1];
  if (symbol === undefined || !raw.startsWith('{"lastUpdateId"')) return null;
  const parsed = createStream(decodeURIComponent(symbol), depthSnapshot);
  return { stream: parsed.name, payload: raw, parsed };
}

/** Moves the times (ms or µs) of a payload by `shiftMs`; the rest stays as it is. Some kinds carry no time. */
export function shiftEventTimes(payload: string, kind: StreamKind | undefined, ms: number): string {
  const pattern = timePatterns.get(kind);
  if (pattern === undefined) return payload;
  return payload.replace(pattern, (_, member, digits) => moved(member, digits, ms));
}

/** The times of a payload, by kind; of an unknown kind the event time. */
const timePatterns = new Map<StreamKind | undefined, RegExp>([[undefined, timePattern([eventTimeMember])]]);
for (const kind of streamKindNames)
  if (timeMembers(kind).length > 0) timePatterns.set(kind, timePattern(timeMembers(kind)));

function timePattern(names: readonly string[]): RegExp {
  // With one time member the search stops at it: a book is long.
  return new RegExp(`"(${names.join("|")})":(\\d+)(?=[,}])`, names.length > 1 ? "g" : "");
}

function moved(member: string, digits: string, ms: number): string {
  const value = Number(digits);
  return `"${member}":${value + Math.round(isMicroseconds(value) ? ms * 1000 : ms)}`;
}
