import type { Stream } from "../stream.ts";
import type { RestQuery } from "./rest.ts";

/** A trade as REST has it. */
export type RestTrade = {
  /** The object's text, byte for byte as it stood in the answer. */
  readonly payload: string;
  /** Aggregate id of aggTrades, trade id of trades. */
  readonly id: number;
  /** Time of the trade, µs. */
  readonly tradeUs: number;
};

/** Most trades that one answer holds. */
export const mostTrades = 1000;

/**
 * How the trades of a stream from an id on are asked for; null for a stream that has none.
 * Source: rest-api.md, "Compressed/Aggregate trades list" and "Old trade lookup"; neither needs a key (since 2023).
 */
export function tradesRequest(
  { symbol, type }: Stream,
  fromId: number,
  limit: number,
): { readonly path: string; readonly query: RestQuery; readonly weight: number } | null {
  const query = { symbol, fromId, limit: Math.min(limit, mostTrades) };
  if (type.kind === "aggTrade") return { path: "/api/v3/aggTrades", query, weight: 4 };
  return type.kind === "trade" ? { path: "/api/v3/historicalTrades", query, weight: 25 } : null;
}

/**
 * The trades of an answer, each as it was sent; null if the answer is not a list of such trades with rising ids. Only the list is
 * taken apart: numbers and texts within are never read and written again.
 */
export function parseTrades(text: string, kind: Stream["type"]["kind"]): readonly RestTrade[] | null {
  const [idPattern, timePattern] = kind === "trade" ? tradeMembers : aggTradeMembers;
  const trades: RestTrade[] = [];
  for (const payload of objectsOf(text) ?? [""]) {
    const id = Number(idPattern.exec(payload)?.[1] ?? Number.NaN);
    const time = Number(timePattern.exec(payload)?.[1] ?? Number.NaN);
    const last = trades.at(-1)?.id ?? -1;
    if (!Number.isSafeInteger(id) || !Number.isSafeInteger(time) || id <= last) return null;
    trades.push({ payload, id, tradeUs: time < microseconds ? time * 1000 : time });
  }
  return trades;
}

const aggTradeMembers = [/[{,]\s*"a"\s*:\s*(\d+)/, /[{,]\s*"T"\s*:\s*(\d+)/] as const;
const tradeMembers = [/[{,]\s*"id"\s*:\s*(\d+)/, /[{,]\s*"time"\s*:\s*(\d+)/] as const;

/** From here on a time is in µs. */
const microseconds = 1e14;

const [quote, backslash, opening, closing] = [34, 92, 123, 125];

/** The text of each object in a list of objects, on one line each; null if it is no such list. */
function objectsOf(text: string): string[] | null {
  const list = /^\s*\[([\s\S]*)\]\s*$/.exec(text)?.[1];
  if (list === undefined) return null;
  const objects: string[] = [];
  let depth = 0;
  let from = 0;
  let inText = false;
  for (let at = 0; at < list.length; at++) {
    const code = list.charCodeAt(at);
    if (inText) {
      if (code === backslash) at++;
      else inText = code !== quote;
    } else if (code === quote) inText = true;
    else if (code === opening && depth++ === 0) {
      const between = list.slice(from, at).trim();
      if (between !== (objects.length === 0 ? "" : ",")) return null;
      from = at;
    } else if (code === closing && --depth === 0) {
      const object = list.slice(from, at + 1);
      // A line of ours ends where the object ends; a newline within can only stand between its members.
      objects.push(/[\r\n]/.test(object) ? object.replace(/[\r\n]+/g, " ") : object);
      from = at + 1;
    }
  }
  return depth === 0 && list.slice(from).trim() === "" ? objects : null;
}
