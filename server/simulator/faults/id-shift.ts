import { parseStreamName } from "../../domain/stream.ts";
import type { Numbering } from "../../domain/stream-kind-facts.ts";
import { byKind, countedMembers, restName, type StreamKind } from "../../domain/stream-kinds.ts";
import type { AggTradeQuery, MarketEvent, TradeQuery } from "../protocol/market-source.ts";

/** Other ids than the source's, the same on every socket and over REST. */
export type IdShift = {
  /**
   * From now on ids of this symbol (null: all) are so much higher, or lower: as far as they can be without falling below 1.
   * `onHit` is called once for each numbering of each symbol, when it jumps.
   */
  add(symbol: string | null, by: number, onHit: () => void): void;
  events(events: readonly MarketEvent[]): readonly MarketEvent[];
  /** A REST book as JSON text. */
  book(symbol: string, text: string): string;
  /** Asks in the source's ids and answers in ours. */
  aggTrades(symbol: string, query: AggTradeQuery, ask: (query: AggTradeQuery) => string | null): string | null;
  trades(symbol: string, query: TradeQuery, ask: (query: TradeQuery) => string | null): string | null;
};

type Jump = {
  readonly symbol: string | null;
  readonly by: number;
  readonly onHit: () => void;
  readonly taken: Map<string, number>;
};

/** Jumps follow each other; a jump stays, since an exchange that begins a new numbering does not return to the old. */
export function createIdShift(): IdShift {
  const jumps: Jump[] = [];

  function amount(symbol: string, numbering: Numbering, id: number): number {
    let shift = 0;
    for (const { symbol: only, by, onHit, taken } of jumps) {
      if (only !== null && only !== symbol) continue;
      const name = `${symbol} ${numbering}`;
      let step = taken.get(name);
      if (step === undefined) {
        step = Math.max(by, 1 - (id + shift));
        taken.set(name, step);
        onHit();
      }
      shift += step;
    }
    return shift;
  }

  function move(symbol: string, text: string, { pattern, numberings }: PayloadIds): string {
    return text.replace(pattern, (_, member: string, digits: string) => {
      const id = Number(digits);
      return `"${member}":${id + amount(symbol, numberings.get(member) ?? "update", id)}`;
    });
  }

  function moveEvent(event: MarketEvent): MarketEvent {
    const symbol = event.stream.slice(0, event.stream.indexOf("@")).toUpperCase();
    if (!jumps.some((jump) => jump.symbol === null || jump.symbol === symbol)) return event;
    const levels = event.payload.indexOf("[");
    const head = levels < 0 ? event.payload : event.payload.slice(0, levels);
    const kind = parseStreamName(event.stream)?.type.kind;
    const payload =
      move(symbol, head, kind === undefined ? unknownIds : sentIds[kind]) + event.payload.slice(head.length);
    return { stream: event.stream, payload };
  }

  return {
    add: (symbol, by, onHit) => void jumps.push({ symbol, by, onHit, taken: new Map() }),
    events: (events) => events.map(moveEvent),
    book: (symbol, text) => move(symbol, text.slice(0, 60), bookIds) + text.slice(60),
    aggTrades(symbol, query, ask) {
      const trades = ask({ ...query, fromId: unmoved(symbol, "aggregate", query.fromId) });
      return trades === null ? null : move(symbol, trades, aggTradeIds);
    },
    trades(symbol, query, ask) {
      const trades = ask({ ...query, fromId: unmoved(symbol, "trade", query.fromId) });
      return trades === null ? null : move(symbol, trades, tradeIds);
    },
  };

  function unmoved(symbol: string, numbering: Numbering, id: number | null): number | null {
    return id === null ? null : Math.max(0, id - amount(symbol, numbering, id));
  }
}

/** Where ids are in the text of a payload, and of which numbering. */
type PayloadIds = { readonly pattern: RegExp; readonly numberings: ReadonlyMap<string, Numbering> };

function payloadIds(numberings: ReadonlyMap<string, Numbering>): PayloadIds {
  return { pattern: new RegExp(`"(${[...numberings.keys()].join("|")})":(\\d+)`, "g"), numberings };
}

/** The ids of a record that was asked for over REST. */
function restIds(kind: StreamKind): PayloadIds {
  return payloadIds(new Map([...countedMembers(kind)].map(([name, numbering]) => [restName(kind, name), numbering])));
}

const sentIds = byKind((kind) => payloadIds(countedMembers(kind)));
/** Streams that RT-Data does not record may hold update ids. */
const unknownIds = payloadIds(new Map([...countedMembers("diffDepth"), ...countedMembers("partialDepth")]));
const bookIds = restIds("depthSnapshot");
const aggTradeIds = restIds("aggTrade");
const tradeIds = restIds("trade");
