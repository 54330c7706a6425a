import {
  counted,
  eventOf,
  eventTimeMember,
  levels,
  member,
  type Numbering,
  required,
  type StreamKindFacts,
} from "./stream-kind-facts.ts";

/**
 * Every kind of stream that RT-Data records, and all that the program knows of it. Whoever adds a kind adds an entry here; the compiler
 * and `test/unit/domain/stream-kinds.test.ts` name the few other places. Source: web-socket-streams.md and rest-api.md of
 * binance-spot-api-docs.
 */
const table = {
  partialDepth: {
    source: "socket",
    types: ([5, 10, 20] as const).map((levels) => ({ folder: `depth${levels}`, levels, speeds: [1000, 100] })),
    members: [counted("lastUpdateId", "update"), levels("bids", "bids"), levels("asks", "asks")],
    id: "lastUpdateId",
    firstId: null,
    numbering: "rising",
    isSteady: true,
    isFacts: false,
    shows: "book",
    priceRank: 100,
    columns: { last_update_id: "lastUpdateId" },
    backfill: null,
    bytesADay: ({ levels, speedMs }) => updatesADay(speedMs) * (2 + 1.9 * (levels ?? 20)),
  },
  diffDepth: {
    source: "socket",
    types: [{ folder: "depth", levels: null, speeds: [1000, 100] }],
    members: [
      ...eventOf("depthUpdate"),
      counted("U", "update"),
      counted("u", "update"),
      levels("b", "bids"),
      levels("a", "asks"),
    ],
    id: "u",
    firstId: "U",
    numbering: "ranges",
    isSteady: true,
    isFacts: false,
    shows: null,
    priceRank: 0,
    columns: { event_time_ms: "E", first_update_id: "U", final_update_id: "u" },
    backfill: null,
    bytesADay: ({ speedMs }) => updatesADay(speedMs) * 45,
  },
  aggTrade: {
    source: "socket",
    types: [{ folder: "aggTrade", levels: null, speeds: [null] }],
    members: [
      ...eventOf("aggTrade"),
      counted("a", "aggregate"),
      required("p", "decimal"),
      required("q", "decimal"),
      { ...member("f", "integer"), counts: "trade" },
      { ...member("l", "integer"), counts: "trade" },
      required("T", "time"),
      member("m", "boolean"),
      member("M", "boolean"),
    ],
    id: "a",
    firstId: null,
    numbering: "each",
    isSteady: false,
    isFacts: false,
    shows: "trades",
    priceRank: 2,
    columns: {
      event_time_ms: "E",
      trade_time_ms: "T",
      agg_trade_id: "a",
      first_trade_id: "f",
      last_trade_id: "l",
      price: "p",
      quantity: "q",
      is_buyer_maker: "m",
    },
    backfill: { path: "/api/v3/aggTrades", weight: 4 },
    bytesADay: () => 12e6,
  },
  trade: {
    source: "socket",
    types: [{ folder: "trade", levels: null, speeds: [null] }],
    members: [
      ...eventOf("trade"),
      { ...counted("t", "trade"), rest: "id" },
      { ...required("p", "decimal"), rest: "price" },
      { ...required("q", "decimal"), rest: "qty" },
      // Ids of the two orders, which Binance sent until 2024.
      { ...member("b", "integer"), isFormer: true, rest: null },
      { ...member("a", "integer"), isFormer: true, rest: null },
      { ...required("T", "time"), rest: "time" },
      { ...member("m", "boolean"), rest: "isBuyerMaker" },
      { ...member("M", "boolean"), rest: "isBestMatch" },
    ],
    id: "t",
    firstId: null,
    numbering: "each",
    isSteady: false,
    isFacts: false,
    shows: "trades",
    priceRank: 1,
    columns: {
      event_time_ms: "E",
      trade_time_ms: "T",
      trade_id: "t",
      price: "p",
      quantity: "q",
      is_buyer_maker: "m",
    },
    backfill: { path: "/api/v3/historicalTrades", weight: 25 },
    bytesADay: () => 20e6,
  },
  bookTicker: {
    source: "socket",
    types: [{ folder: "bookTicker", levels: null, speeds: [null] }],
    members: [
      counted("u", "update"),
      member("s", "symbol"),
      required("b", "decimal"),
      required("B", "decimal"),
      required("a", "decimal"),
      required("A", "decimal"),
    ],
    id: "u",
    firstId: null,
    numbering: "rising",
    isSteady: true,
    isFacts: false,
    shows: null,
    priceRank: 3,
    columns: { update_id: "u", bid_px: "b", bid_sz: "B", ask_px: "a", ask_sz: "A" },
    backfill: null,
    bytesADay: () => 50e6,
  },
  depthSnapshot: {
    source: "rest",
    types: [{ folder: "depthSnapshot", levels: null, speeds: [null] }],
    members: [counted("lastUpdateId", "update"), levels("bids", "bids"), levels("asks", "asks")],
    id: "lastUpdateId",
    firstId: null,
    numbering: "none",
    isSteady: false,
    isFacts: false,
    shows: null,
    priceRank: 0,
    columns: { last_update_id: "lastUpdateId" },
    backfill: null,
    bytesADay: () => 1e6,
  },
  // A symbol's entry of GET /api/v3/exchangeInfo. It is parsed, so no member needs to be known.
  exchangeInfo: {
    source: "rest",
    types: [{ folder: "exchangeInfo", levels: null, speeds: [null] }],
    members: [],
    id: null,
    firstId: null,
    numbering: "none",
    isSteady: false,
    isFacts: true,
    shows: null,
    priceRank: 0,
    columns: {},
    backfill: null,
    bytesADay: () => 1000,
  },
} satisfies Record<string, StreamKindFacts>;

/**
 * Kind of data of a stream, named as by Binance. `depthSnapshot` is the REST book and `exchangeInfo` the symbol's facts; both are recorded
 * as streams of their own.
 */
export type StreamKind = keyof typeof table;

/** The kinds that a socket can subscribe to. */
export type SubscribedKind = {
  [K in StreamKind]: (typeof table)[K]["source"] extends "socket" ? K : never;
}[StreamKind];

/** The facts of each kind. */
export const streamKinds: Readonly<Record<StreamKind, StreamKindFacts>> = table;

/** All kinds, in the order of the table. */
export const streamKindNames = Object.keys(table) as readonly StreamKind[];

/** True if payloads carry the exchange's event time. */
export function hasEventTime(kind: StreamKind): boolean {
  return streamKinds[kind].members.some(({ name }) => name === eventTimeMember);
}

/** Tests whether the ids are contiguous, so that missing ids can be found. */
export function isContiguous(kind: StreamKind): boolean {
  return isNumbered(kind) || streamKinds[kind].numbering === "ranges";
}

/** True if every record has an id of its own, without a break: missing records can be counted, and asked for over REST. */
export function isNumbered(kind: StreamKind): boolean {
  return streamKinds[kind].numbering === "each";
}

/** Names of the member with the record's id: as sent by a socket, and as sent over REST if that differs. Empty without ids. */
export function idMembers(kind: StreamKind): readonly string[] {
  const { id } = streamKinds[kind];
  return id === null ? [] : [...new Set([id, restName(kind, id)])];
}

/** The name of a member in a record that was fetched over REST. */
export function restName(kind: StreamKind, name: string): string {
  return streamKinds[kind].members.find((member) => member.name === name)?.rest ?? name;
}

/** The ids of a payload, by member, with the numbering they belong to. */
export function countedMembers(kind: StreamKind): ReadonlyMap<string, Numbering> {
  return new Map(
    streamKinds[kind].members.flatMap(({ name, counts }) => (counts === null ? [] : [[name, counts] as const])),
  );
}

/** Names of the members that hold times, ms or µs since the Unix epoch. */
export function timeMembers(kind: StreamKind): readonly string[] {
  return streamKinds[kind].members.filter(({ form }) => form === "time").map(({ name }) => name);
}

/** True if payloads hold lists of levels. */
export function hasLevels(kind: StreamKind): boolean {
  return streamKinds[kind].members.some(({ form }) => form === "bids" || form === "asks");
}

/** A value for each kind. */
export function byKind<T>(create: (kind: StreamKind) => T): Readonly<Record<StreamKind, T>> {
  return Object.fromEntries(streamKindNames.map((kind) => [kind, create(kind)])) as Record<StreamKind, T>;
}

/** The folders of kinds of which this holds. */
export function foldersOf(isWanted: (kind: StreamKind) => boolean): readonly string[] {
  return streamKindNames.filter(isWanted).flatMap((kind) => streamKinds[kind].types.map(({ folder }) => folder));
}

function updatesADay(speedMs: number | null): number {
  return 86_400 * (speedMs === 1000 ? 1 : 10);
}
