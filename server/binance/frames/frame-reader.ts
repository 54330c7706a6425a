import { exchangeMs } from "../../domain/market/exchange-time.ts";
import type { Stream, StreamName, StreamTypeName } from "../../domain/stream.ts";
import { eventTimeMember } from "../../domain/stream-kind-facts.ts";
import { hasEventTime, streamKinds } from "../../domain/stream-kinds.ts";
import { payloadProblem } from "./payload.ts";
import { createPayloadPattern, type PayloadPattern } from "./payload-patterns.ts";

/**
 * The content of one text frame of a combined stream.
 *
 * | type     | content                                                                                            |
 * |----------|----------------------------------------------------------------------------------------------------|
 * | data     | a payload of a known stream; `unusual` if only parsing could prove its form (for example a new member) |
 * | reply    | an answer to a control message                                                                     |
 * | shutdown | the server announces that it will close the connection                                             |
 * | odd      | any other frame, with the reason                                                                   |
 */
export type Message =
  | { readonly type: "data"; readonly data: DataMessage }
  | { readonly type: "reply"; readonly id: number | null; readonly error: string | null }
  | { readonly type: "shutdown" }
  | { readonly type: "odd"; readonly reason: string };

/** A payload and the facts to record it. One object per reader, overwritten by the next message: copy what you keep. */
export type DataMessage = {
  /** Position of the stream in the reader's list. */
  index: number;
  stream: Stream;
  /** The payload's text, byte for byte. */
  payload: string;
  /** Update or trade id. The stream is ordered by it. */
  id: number;
  /** First id that the payload covers: `U` of a diff, otherwise the same as `id`. */
  firstId: number;
  /** Event time `E`, ms since the Unix epoch in the exchange's clock, with decimals if it was sent in µs; 0 without event time. */
  eventMs: number;
  unusual: boolean;
  /** Mark of the payload's content (`contentMark`), and receipt in µs; 0 until the feed has filled them in. */
  mark: number;
  recvUs: number;
};

/** Reads text frames of combined streams. */
export type FrameReader = (text: string) => Message;

const opening = '{"stream":"';
const middle = '","data":';
const symbolMark = '"s":"';

/** What the reader needs to know about a stream. */
type Target = {
  readonly index: number;
  readonly stream: Stream;
  readonly pattern: PayloadPattern;
  readonly idMark: string;
  /** Text before the first id; null if it is the same as the id. */
  readonly firstIdMark: string | null;
  readonly timed: boolean;
  /** The symbol and its closing quote as in the payloads; null if they do not name the symbol. */
  readonly symbolEnd: string | null;
};

/** Creates a reader for these streams. Frames of other streams are odd. */
export function createFrameReader(streams: readonly Stream[]): FrameReader {
  const known = new Map<StreamName, Target>();
  const patterns = new Map<StreamTypeName, PayloadPattern>();
  for (const [index, stream] of streams.entries()) {
    const { kind, levels } = stream.type;
    const pattern = patterns.get(stream.type.name) ?? createPayloadPattern(kind, levels);
    patterns.set(stream.type.name, pattern);
    const { id, firstId, members } = streamKinds[kind];
    if (id === null) throw new Error(`records of ${stream.name} have no id, so no socket delivers them`);
    known.set(stream.name, {
      index,
      stream,
      pattern,
      idMark: markOf(id),
      firstIdMark: firstId === null ? null : markOf(firstId),
      timed: hasEventTime(kind),
      symbolEnd: members.some(({ form }) => form === "symbol") ? `${stream.symbol}"` : null,
    });
  }
  const first = streams[0];
  if (first === undefined) return (text) => parseFrame(text, new Map());
  const data: DataMessage = {
    index: 0,
    stream: first,
    payload: "",
    id: 0,
    firstId: 0,
    eventMs: 0,
    unusual: false,
    mark: 0,
    recvUs: 0,
  };
  const message: Message = { type: "data", data };

  return (text) => {
    if (!text.startsWith(opening)) return parseFrame(text, known);
    const nameEnd = text.indexOf('"', opening.length);
    const target = known.get(text.slice(opening.length, nameEnd));
    if (target === undefined || !text.startsWith(middle, nameEnd)) return parseFrame(text, known);
    const start = nameEnd + middle.length;
    if (!target.pattern.isProved(text, start)) return parseFrame(text, known);
    const { symbolEnd } = target;
    if (symbolEnd !== null && !text.startsWith(symbolEnd, text.indexOf(symbolMark, start) + symbolMark.length))
      return parseFrame(text, known);
    data.index = target.index;
    data.stream = target.stream;
    data.payload = text.slice(start, -1);
    data.id = integerAfter(text, target.idMark, start);
    data.firstId = target.firstIdMark === null ? data.id : integerAfter(text, target.firstIdMark, start);
    data.eventMs = target.timed ? exchangeMs(integerAfter(text, eventTimeMark, start)) : 0;
    data.unusual = false;
    return message;
  };
}

/** Returns the text in front of a member's value. */
function markOf(member: string): string {
  return `"${member}":`;
}

const eventTimeMark = markOf(eventTimeMember);

/** Returns the integer behind the first `mark`; the pattern has proved that it exists. */
function integerAfter(text: string, mark: string, from: number): number {
  let at = text.indexOf(mark, from) + mark.length;
  const negative = text.charCodeAt(at) === 45;
  if (negative) at++;
  let value = 0;
  for (let code = text.charCodeAt(at); code >= 48 && code <= 57; code = text.charCodeAt(++at))
    value = value * 10 + code - 48;
  return negative ? -value : value;
}

/** The envelope up to the payload. */
const envelopeStart = /^\{"stream":"(?:[^"\\]|\\.)*","data":/;

/** Longest frame that is parsed, characters: far above any book. Bounds the time that one frame takes. */
const longestFrame = 4 * 1024 * 1024;

/** The slow path: parses the frame. Data is kept if it has all required members; other members are allowed. */
function parseFrame(text: string, known: ReadonlyMap<StreamName, Target>): Message {
  if (text.length > longestFrame) return { type: "odd", reason: "a frame that is too long" };
  const parsed = parseJson(text);
  if (!isObject(parsed)) return { type: "odd", reason: parsed === undefined ? "not JSON" : "not a JSON object" };
  const { stream: name, data } = parsed;
  if (name === "!serverShutdown" || parsed.e === "serverShutdown") return { type: "shutdown" };
  if ("result" in parsed || "error" in parsed || "code" in parsed) return reply(parsed);
  if (typeof name !== "string" || !isObject(data)) return { type: "odd", reason: "not a combined stream's message" };
  const target = known.get(name);
  if (target === undefined) return { type: "odd", reason: "a stream that was not subscribed to" };
  const { index, stream } = target;
  // The name is looked up as parsed: another server may escape its letters.
  const envelope = envelopeStart.exec(text)?.[0] ?? text;
  const payload = text.slice(envelope.length, -1);
  // An empty payload passes here, because "without a valid …" is the better reason.
  const opens = text.startsWith('{"', envelope.length) || payload === "{}";
  const spliceable = opens && !/[\r\n]/.test(payload) && isObject(parseJson(payload));
  if (!spliceable) return { type: "odd", reason: "an envelope of another form" };
  const problem = payloadProblem(payload, data, stream.type.kind);
  if (problem !== null) return { type: "odd", reason: `${stream.type.name} ${problem}` };
  if (typeof data.s === "string" && data.s !== stream.symbol)
    return { type: "odd", reason: "data of another symbol than its stream's" };
  const kind = streamKinds[stream.type.kind];
  const id = data[kind.id ?? ""] as number;
  const firstId = kind.firstId === null ? id : (data[kind.firstId] as number);
  const eventTime = hasEventTime(stream.type.kind) ? data[eventTimeMember] : 0;
  const eventMs = typeof eventTime === "number" ? exchangeMs(eventTime) : 0;
  return { type: "data", data: { index, stream, payload, id, firstId, eventMs, unusual: true, mark: 0, recvUs: 0 } };
}

function reply(parsed: Record<string, unknown>): Message {
  const nested = isObject(parsed.error) ? parsed.error : parsed;
  const failed = "error" in parsed || "code" in parsed;
  const id = typeof parsed.id === "number" ? parsed.id : null;
  return {
    type: "reply",
    id,
    error: failed ? `${nested.msg ?? "unknown error"} (code ${nested.code ?? "none"})` : null,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
