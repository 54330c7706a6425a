import { exchangeMs, isMicroseconds } from "../../domain/market/exchange-time.ts";
import { eventTimeMember, type Numbering } from "../../domain/stream-kind-facts.ts";
import { byKind, countedMembers, hasLevels, type StreamKind, timeMembers } from "../../domain/stream-kinds.ts";
import type { RecordedMessage } from "./recorded-message.ts";

/** Makes a repeated recording look like an endless recording. */
export type Loop = {
  /** The payload to send in this round; records its ids and times until a whole round was seen. */
  shift(message: RecordedMessage): string;
  /** Begins the next round; `whole` if the previous round played the whole recording. */
  again(whole: boolean): void;
  /** How much later than recorded this round's event times are, ms. */
  laterMs(): number;
};

type Span = { first: number; last: number };

/** Finds the ids and times in a payload of some kind; members that are not numbered are times. */
type Shape = { readonly pattern: RegExp; readonly numbering: ReadonlyMap<string, Numbering> };

const shapes = byKind((kind) => shape(countedMembers(kind), timeMembers(kind)));
const unknownShape = shape(new Map(), [eventTimeMember]);

/** Time between the end of a round and the beginning of the next. */
const pauseMs = 100;

/**
 * From the second round on, ids and event times are raised by the range that a round covers. So they keep rising for each symbol,
 * and diffs stay a chain (next `U` = previous `u` + 1), from one round to the next too. Times change only with `times`; all other
 * members stay as they are.
 */
export function createLoop(options: { times: boolean }): Loop {
  let round = 0;
  let isMeasuring = true;
  let firstUs = Number.POSITIVE_INFINITY;
  let lastUs = 0;
  let longestMs = 0;
  /** What each stream covers of each numbering, and each symbol of time. */
  const spans = new Map<string, Map<string, Span>>();
  let shifts = new Map<string, Record<Numbering, number>>();

  function record(message: RecordedMessage): void {
    firstUs = Math.min(firstUs, message.recvUs);
    lastUs = Math.max(lastUs, message.recvUs);
    const kind = message.parsed?.type.kind;
    const head = headOf(message.payload, kind);
    const { pattern, numbering: numberings } = shapeOf(kind);
    for (const [, member = "", digits = ""] of head.matchAll(pattern)) {
      const numbering = numberings.get(member);
      const value = Number(digits);
      if (numbering !== undefined) extend(message.stream, numbering, value);
      else extend(symbolOf(message.stream), "time", exchangeMs(value));
    }
  }

  function extend(owner: string, what: string, value: number): void {
    let owned = spans.get(owner);
    if (owned === undefined) {
      owned = new Map();
      spans.set(owner, owned);
    }
    const span = owned.get(what);
    if (span === undefined) owned.set(what, { first: value, last: value });
    else if (value < span.first) span.first = value;
    else if (value > span.last) span.last = value;
  }

  function measure(): void {
    shifts = new Map();
    longestMs = Math.max(0, (lastUs - firstUs) / 1000);
    for (const [owner, owned] of spans) {
      for (const [what, { first, last }] of owned) {
        if (what === "time") longestMs = Math.max(longestMs, last - first);
        else {
          const of = shifts.get(symbolOf(owner)) ?? { update: 0, trade: 0, aggregate: 0 };
          of[what as Numbering] = Math.max(of[what as Numbering], last - first + 1);
          shifts.set(symbolOf(owner), of);
        }
      }
    }
  }

  const laterMs = () => (round === 0 ? 0 : round * (Math.ceil(longestMs) + pauseMs));

  return {
    laterMs,
    shift(message) {
      if (isMeasuring) record(message);
      if (round === 0) return message.payload;
      const kind = message.parsed?.type.kind;
      const ids = shifts.get(symbolOf(message.stream));
      const timeMs = options.times ? laterMs() : 0;
      const head = headOf(message.payload, kind);
      const { pattern, numbering: numberings } = shapeOf(kind);
      const shifted = head.replace(pattern, (_, member: string, digits: string) => {
        const numbering = numberings.get(member);
        const value = Number(digits);
        const step = isMicroseconds(value) ? timeMs * 1000 : timeMs;
        return `"${member}":${value + (numbering === undefined ? step : round * (ids?.[numbering] ?? 0))}`;
      });
      return shifted + message.payload.slice(head.length);
    },
    again(whole) {
      if (isMeasuring) measure();
      if (whole) isMeasuring = false;
      round += 1;
    },
  };
}

function symbolOf(stream: string): string {
  return stream.slice(0, stream.indexOf("@"));
}

function shape(numbering: ReadonlyMap<string, Numbering>, times: readonly string[]): Shape {
  const pattern = new RegExp(`"(${[...numbering.keys(), ...times].join("|")})":(\\d+)(?=[,}])`, "g");
  return { pattern, numbering };
}

function shapeOf(kind: StreamKind | undefined): Shape {
  return kind === undefined ? unknownShape : shapes[kind];
}

/** The part of a payload that holds ids and times: in books, the part before the levels. */
function headOf(payload: string, kind: StreamKind | undefined): string {
  if (kind === undefined || !hasLevels(kind)) return payload;
  const levels = payload.indexOf("[");
  return levels < 0 ? payload : payload.slice(0, levels);
}
