import { exchangeUs } from "../../domain/market/exchange-time.ts";
import { restName, type StreamKind } from "../../domain/stream-kinds.ts";
import type { Members } from "../column.ts";
import { eighthsOf } from "../decimal.ts";

/** A trade, or an aggregate of trades, as bars need it. */
export type BarTrade = {
  /** Its id; the next record has the next id. */
  readonly id: number;
  readonly recvUs: number;
  /** Trade time of the exchange, µs. */
  readonly tradeUs: number;
  /** Number of trades. */
  readonly count: number;
  /** In 10⁻⁸. */
  readonly price: bigint;
  readonly quantity: bigint;
  /** True if the buyer was the taker. */
  readonly isBuy: boolean;
};

/** The kinds of streams that hold trades, the preferred kind first: both give the same bars, aggregates are fewer. */
export const tradeKinds = ["aggTrade", "trade"] as const satisfies readonly StreamKind[];
export type TradeKind = (typeof tradeKinds)[number];

/** Reads a record of a trade stream, received or backfilled. @throws if it lacks a member */
export function barTradeOf(kind: TradeKind, members: Members): BarTrade {
  const read = (name: string) => members[name] ?? members[restName(kind, name)];
  const integer = (name: string) => {
    const value = read(name);
    if (!Number.isSafeInteger(value)) throw new Error(`${name} is not an integer`);
    return value as number;
  };
  const decimal = (name: string) => {
    const value = read(name);
    const scaled = typeof value === "string" ? eighthsOf(value) : null;
    if (scaled === null) throw new Error(`${name} is not a decimal`);
    return scaled;
  };
  const isMaker = read("m");
  if (typeof isMaker !== "boolean") throw new Error("m is not a boolean");
  return {
    id: integer(kind === "aggTrade" ? "a" : "t"),
    recvUs: members.recv_us as number,
    tradeUs: exchangeUs(integer("T")),
    count: kind === "aggTrade" ? integer("l") - integer("f") + 1 : 1,
    price: decimal("p"),
    quantity: decimal("q"),
    isBuy: !isMaker,
  };
}
