import { createStream, parseStreamType, type Stream } from "../../../server/domain/stream.ts";
import type { Random } from "../random.ts";

/** One thing that happened in the market: what the exchange sends of it, to whom it does. */
export type MarketEvent = {
  readonly stream: Stream;
  /** Position among the stream's events, from 0. */
  readonly index: number;
  readonly id: number;
  readonly firstId: number;
  readonly payload: string;
  /** True time, ms. */
  readonly atMs: number;
  /** Which numbering of the stream it belongs to. */
  readonly epoch: number;
};

/** A stream's history, as only the simulator knows it. */
export type History = {
  readonly stream: Stream;
  readonly events: MarketEvent[];
  nextId: number;
  epoch: number;
  /** First id of the current numbering. */
  firstId: number;
  /** The ids of earlier numberings. */
  readonly used: { readonly first: number; readonly last: number }[];
  haltedUntilMs: number;
};

/** The market: everything that ever happens in it. */
export type Market = {
  readonly histories: ReadonlyMap<string, History>;
  history(symbol: string, kind: Stream["type"]["kind"]): History | undefined;
  /** Something happens in a stream. */
  happen(history: History, atMs: number): MarketEvent;
  /** The exchange begins a new numbering of the stream at a lower id. No id is used again: then nothing happens if too few are left. */
  renumber(history: History): void;
  /** Ids are left out, as after an outage of the exchange's own. */
  skip(history: History, by: number): void;
};

/** A market of these symbols and types. */
export function createMarket(symbols: readonly string[], types: readonly string[], random: Random): Market {
  const histories = new Map<string, History>();
  for (const symbol of symbols) {
    for (const name of types) {
      const type = parseStreamType(name);
      if (type === null) throw new Error(`no stream type ${name}`);
      const stream = createStream(symbol, type);
      const nextId = random.between(1_000_000, 9_000_000);
      histories.set(stream.name, { stream, events: [], nextId, epoch: 0, firstId: nextId, used: [], haltedUntilMs: 0 });
    }
  }

  return {
    histories,
    history: (symbol, kind) =>
      [...histories.values()].find(({ stream }) => stream.symbol === symbol && stream.type.kind === kind),
    happen(history, atMs) {
      const { stream, events } = history;
      const { kind } = stream.type;
      const firstId = history.nextId;
      const isSingle = kind === "trade" || kind === "aggTrade";
      const id = isSingle ? firstId : firstId + random.between(0, 9);
      history.nextId = id + 1;
      const payload = payloadOf(stream, firstId, id, Math.floor(atMs), events.length);
      const event = { stream, index: events.length, id, firstId, payload, atMs, epoch: history.epoch };
      events.push(event);
      return event;
    },
    renumber(history) {
      const used = [...history.used, { first: history.firstId, last: history.nextId }];
      const wantedId = Math.floor(history.nextId * (0.1 + random.next() * 0.8));
      const firstId = freeFrom(wantedId, used);
      if (firstId === null) return;
      history.used.splice(0, history.used.length, ...used);
      history.epoch++;
      [history.firstId, history.nextId] = [firstId, firstId];
    },
    skip(history, by) {
      history.nextId += by;
    },
  };
}

/** Ids that a numbering may need, and the least id. */
const roomIds = 30_000;
const leastId = 1000;

/** Returns the highest first id up to `wantedId` from which a numbering meets no used id; null without such an id. */
function freeFrom(wantedId: number, used: readonly { readonly first: number; readonly last: number }[]): number | null {
  let firstId = wantedId;
  for (const { first, last } of used.toSorted((a, b) => b.first - a.first))
    if (firstId <= last && firstId + roomIds > first) firstId = first - roomIds;
  return firstId < leastId ? null : firstId;
}

function payloadOf({ symbol, type }: Stream, firstId: number, id: number, time: number, n: number): string {
  const px = `"${100 + (n % 97)}.${String(n % 100_000_000).padStart(8, "0")}"`;
  const qty = '"1.00000000"';
  const event = (name: string) => `{"e":"${name}","E":${time},"s":"${symbol}"`;
  switch (type.kind) {
    case "partialDepth":
      return `{"lastUpdateId":${id},"bids":[[${px},${qty}]],"asks":[[${px},${qty}]]}`;
    case "diffDepth":
      return `${event("depthUpdate")},"U":${firstId},"u":${id},"b":[[${px},${qty}]],"a":[]}`;
    case "aggTrade":
      return `${event("aggTrade")},"a":${id},"p":${px},"q":${qty},"f":${id},"l":${id},"T":${time},"m":true,"M":true}`;
    case "trade":
      return `${event("trade")},"t":${id},"p":${px},"q":${qty},"T":${time},"m":true,"M":true}`;
    default:
      return `{"u":${id},"s":"${symbol}","b":${px},"B":${qty},"a":${px},"A":${qty}}`;
  }
}

/** A trade as REST tells it. */
export function restTrade({ stream, id, atMs, payload }: MarketEvent): string {
  const time = Math.floor(atMs);
  const px = /"p":("[^"]*")/.exec(payload)?.[1] ?? '"1.0"';
  return stream.type.kind === "aggTrade"
    ? `{"a":${id},"p":${px},"q":"1.00000000","f":${id},"l":${id},"T":${time},"m":true,"M":true}`
    : `{"id":${id},"price":${px},"qty":"1.00000000","quoteQty":"1.00000000","time":${time},"isBuyerMaker":true,"isBestMatch":true}`;
}
