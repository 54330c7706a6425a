import { type BookDiff, type BookImage, readBookDiff, readBookImage } from "../../domain/book/book-text.ts";
import { exchangeUs } from "../../domain/market/exchange-time.ts";
import type { StreamType } from "../../domain/stream.ts";
import type { LineParser } from "../../storage/read/stream-reader.ts";

type Head = {
  /** Receipt time, µs. */
  readonly recvUs: number;
  /** Estimated delay, ms; null if unknown. */
  readonly delayMs: number | null;
};

/** A trade or an aggregate trade. Decimals are the exchange's texts. */
export type TradeRecord = Head & {
  readonly kind: "trade";
  /** Time of the trade, µs. */
  readonly timeUs: number;
  readonly id: number;
  readonly price: string;
  readonly quantity: string;
  readonly isBuyerMaker: boolean;
  /** True if it was fetched over REST later: `recvUs` is the time of the trade. */
  readonly isBackfilled: boolean;
};

/** A diff with its event time, µs. */
export type TimedDiff = BookDiff & { readonly timeUs: number };

/** A record from which a book is rebuilt. */
export type BookRecord = Head &
  (
    | { readonly kind: "diff"; readonly diff: TimedDiff }
    | { readonly kind: "restBook" | "partialBook"; readonly image: BookImage }
  );

/** The best prices, as the exchange sends them (`bookTicker`). */
export type TickerRecord = Head & {
  readonly kind: "ticker";
  readonly bid: readonly [price: string, quantity: string];
  readonly ask: readonly [price: string, quantity: string];
};

/** A stored line of market data. */
export type MarketRecord = TradeRecord | BookRecord | TickerRecord;

/** The times of a record, for a first reading. */
export type RecordTimes = Head & {
  readonly kind: "times";
  /** Event or trade time, µs; null if the stream has no times. */
  readonly timeUs: number | null;
  readonly isBackfilled: boolean;
};

/** Creates the parser of a stream's lines. Lines from before `fromUs` are skipped without reading their payload. */
export function createRecordParser(type: StreamType, fromUs: number): LineParser<MarketRecord> {
  return (text, from, to) => {
    const head = headOf(text, from);
    if (head === null) return "damaged";
    if (head.recvUs < fromUs) return null;
    switch (type.kind) {
      case "diffDepth": {
        const diff = readBookDiff(text, from, to);
        const time = integerOf(text, '"E":', from, to);
        if (diff === null || time === null) return "damaged";
        return { ...head, kind: "diff", diff: { ...diff, timeUs: exchangeUs(time) } };
      }
      case "depthSnapshot":
      case "partialDepth": {
        const image = readBookImage(text, from, to);
        if (image === null) return "damaged";
        return { ...head, kind: type.kind === "partialDepth" ? "partialBook" : "restBook", image };
      }
      default:
        return parsed(text.slice(from, to), (members) =>
          type.kind === "bookTicker" ? tickerOf(head, members) : tradeOf(head, members),
        );
    }
  };
}

/** Creates the parser that reads times alone. */
export function createTimesParser(type: StreamType, fromUs: number): LineParser<RecordTimes> {
  const member = type.kind === "diffDepth" ? '"E":' : '"T":';
  const isTrade = type.kind === "trade" || type.kind === "aggTrade";
  return (text, from, to) => {
    const head = headOf(text, from);
    if (head === null) return "damaged";
    if (head.recvUs < fromUs) return null;
    const times = { ...head, kind: "times", isBackfilled: false } as const;
    if (type.kind === "partialDepth") return { ...times, timeUs: null };
    const time = integerOf(text, member, from, to) ?? (isTrade ? integerOf(text, '"time":', from, to) : null);
    if (time === null) return "damaged";
    return { ...times, timeUs: exchangeUs(time), isBackfilled: isTrade && isBackfilledAt(text, from) };
  };
}

/** Tests for the member that follows ours in a backfilled line. Searching the text to its end would search all lines behind this line. */
function isBackfilledAt(text: string, from: number): boolean {
  return text.slice(from, from + longestHead).includes('"repaired":true');
}

/** Characters within which our members end. */
const longestHead = 100;

type Members = Readonly<Record<string, unknown>>;

function parsed(text: string, read: (members: Members) => MarketRecord | "damaged"): MarketRecord | "damaged" {
  try {
    return read(JSON.parse(text) as Members);
  } catch {
    return "damaged";
  }
}

/** Reads a trade by the names of the socket or of REST. */
function tradeOf(head: Head, members: Members): TradeRecord | "damaged" {
  const id = members.a !== undefined && members.t === undefined && members.id === undefined ? members.a : members.t;
  const trade = {
    id: id ?? members.id,
    price: members.p ?? members.price,
    quantity: members.q ?? members.qty,
    time: members.T ?? members.time,
    isBuyerMaker: members.m ?? members.isBuyerMaker,
  };
  if (!isDecimal(trade.price) || !isDecimal(trade.quantity) || typeof trade.isBuyerMaker !== "boolean")
    return "damaged";
  if (!Number.isSafeInteger(trade.id) || !Number.isSafeInteger(trade.time)) return "damaged";
  return {
    ...head,
    kind: "trade",
    timeUs: exchangeUs(trade.time as number),
    id: trade.id as number,
    price: trade.price,
    quantity: trade.quantity,
    isBuyerMaker: trade.isBuyerMaker,
    isBackfilled: members.repaired === true,
  };
}

function tickerOf(head: Head, { b, B, a, A }: Members): TickerRecord | "damaged" {
  if (!isDecimal(b) || !isDecimal(B) || !isDecimal(a) || !isDecimal(A)) return "damaged";
  return { ...head, kind: "ticker", bid: [b, B], ask: [a, A] };
}

function isDecimal(value: unknown): value is string {
  return typeof value === "string" && /^\d+(\.\d+)?$/.test(value);
}

const lineStart = '{"recv_us":';
const delayMember = ',"net_delay_ms":';

/** Reads our two members at the start of a line; null if they are not there. */
function headOf(text: string, from: number): Head | null {
  if (!text.startsWith(lineStart, from)) return null;
  const digits = digitsAt(text, from + lineStart.length);
  const end = from + lineStart.length + digits.length;
  if (digits.length === 0 || digits.length > 16 || !text.startsWith(delayMember, end)) return null;
  const delay = /^(?:-?\d+(?:\.\d+)?|null)(?=[,}])/.exec(text.slice(end + delayMember.length, end + 60))?.[0];
  if (delay === undefined) return null;
  return { recvUs: Number(digits), delayMs: delay === "null" ? null : Number(delay) };
}

function integerOf(text: string, member: string, from: number, to: number): number | null {
  const at = text.indexOf(member, from);
  if (at < 0 || at >= to) return null;
  const digits = digitsAt(text, at + member.length);
  return digits.length === 0 || digits.length > 16 ? null : Number(digits);
}

function digitsAt(text: string, from: number): string {
  let to = from;
  while (text.charCodeAt(to) >= 48 && text.charCodeAt(to) <= 57) to++;
  return text.slice(from, to);
}
