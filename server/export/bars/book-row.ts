import type { Cell, ExportColumn, Members } from "../column.ts";
import { eighthsOf } from "../decimal.ts";
import { computed, decimalText, rounded } from "./bar.ts";

/** The kinds of streams that hold whole books, the preferred kind first. */
export const bookKinds = ["partialDepth", "bookTicker"] as const;
export type BookKind = (typeof bookKinds)[number];

export const bookColumns: readonly ExportColumn[] = [
  computed("book_us", "integer"),
  ...["bid_px", "bid_sz", "ask_px", "ask_sz", "mid", "spread"].map((name) => computed(name, "number", true)),
  ...["bid_depth", "ask_depth"].map((name) => computed(name, "number")),
  computed("imbalance", "number", true),
];

type Level = readonly [price: bigint, quantity: bigint];

const one = 10n ** 8n;

/**
 * Returns the cells of `bookColumns` for a line of a book. `levels`: levels a side that count for depth and imbalance. Prices of an empty
 * side are null. @throws if it is not a line of that kind
 */
export function bookCells(line: string, kind: BookKind, levels: number): Cell[] {
  const members = JSON.parse(line) as Members;
  const [bids, asks] =
    kind === "bookTicker"
      ? ([["b", "B"] as const, ["a", "A"] as const].map(([price, size]) => [
          [scaledOf(members[price]), scaledOf(members[size])] as const,
        ]) as [Level[], Level[]])
      : [levelsOf(members.bids, levels), levelsOf(members.asks, levels)];
  const [bidDepth, askDepth] = [depthOf(bids), depthOf(asks)];
  const [bid, ask] = [bids[0] ?? null, asks[0] ?? null];
  const depth = bidDepth + askDepth;
  const text = (value: bigint | undefined) => (value === undefined ? null : decimalText(value));
  return [
    members.recv_us as number,
    ...[bid?.[0], bid?.[1], ask?.[0], ask?.[1]].map(text),
    bid === null || ask === null ? null : decimalText(rounded(bid[0] + ask[0], 2n)),
    bid === null || ask === null ? null : decimalText(ask[0] - bid[0]),
    ...[bidDepth, askDepth].map(decimalText),
    depth === 0n ? null : decimalText(rounded((bidDepth - askDepth) * one, depth)),
  ];
}

/** Tests whether a line is a book of that kind. */
export function isBookRow(line: string, kind: BookKind): boolean {
  try {
    bookCells(line, kind, Number.POSITIVE_INFINITY);
    return true;
  } catch {
    return false;
  }
}

function levelsOf(side: unknown, most: number): Level[] {
  if (!Array.isArray(side)) throw new Error("bids or asks are not a list");
  return side.slice(0, most).map(([price, quantity]) => [scaledOf(price), scaledOf(quantity)]);
}

function scaledOf(value: unknown): bigint {
  const scaled = typeof value === "string" ? eighthsOf(value) : null;
  if (scaled === null) throw new Error("a price or quantity is not a decimal");
  return scaled;
}

function depthOf(side: readonly Level[]): bigint {
  return side.reduce((sum, [, quantity]) => sum + quantity, 0n);
}
