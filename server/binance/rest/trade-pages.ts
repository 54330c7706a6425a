import { exchangeUs } from "../../domain/market/exchange-time.ts";
import type { Stream } from "../../domain/stream.ts";
import { restName, type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";
import { plainInteger, structureProblem } from "../frames/payload.ts";
import { withoutBlanks } from "./answer-text.ts";
import type { RestQuery } from "./rest-client.ts";

/** A trade from a REST answer. */
export type RestTrade = {
  /** The object's text, byte for byte as in the answer except for white space. */
  readonly payload: string;
  /** Aggregate id for aggTrades, trade id for trades. */
  readonly id: number;
  /** Time of the trade, µs. */
  readonly tradeUs: number;
};

/** Most trades in one answer. */
export const mostTrades = 1000;

/**
 * Builds the request for a stream's trades from an id on; null for a stream without trades.
 * Source: rest-api.md, "Compressed/Aggregate trades list" and "Old trade lookup". Neither needs a key (since 2023).
 */
export function tradesRequest(
  { symbol, type }: Stream,
  fromId: number,
  limit: number,
): { readonly path: string; readonly query: RestQuery; readonly weight: number } | null {
  const query = { symbol, fromId, limit: Math.min(limit, mostTrades) };
  const { backfill } = streamKinds[type.kind];
  return backfill === null ? null : { ...backfill, query };
}

/**
 * Splits an answer into trades, each as sent except for white space between its members. Numbers and texts are never parsed and written
 * again. Null if the answer is not a list of such trades with rising ids, or if JSON parsers may disagree about it.
 */
export function parseTrades(text: string, kind: StreamKind): readonly RestTrade[] | null {
  const [idName, timeName] = [restName(kind, streamKinds[kind].id ?? ""), restName(kind, tradeTimeMember)];
  const trades: RestTrade[] = [];
  const parsed = parsedList(text);
  if (parsed === null) return null;
  for (const payload of objectsOf(text) ?? [""]) {
    const data = parsed[trades.length];
    if (typeof data !== "object" || data === null || structureProblem(payload, data) !== null) return null;
    const [id, time] = [plainInteger(payload, idName), plainInteger(payload, timeName)];
    const { [idName]: parsedId, [timeName]: parsedTime } = data as Record<string, unknown>;
    if (id === null || time === null || id !== parsedId || time !== parsedTime) return null;
    if (id <= (trades.at(-1)?.id ?? -1)) return null;
    trades.push({ payload, id, tradeUs: exchangeUs(time) });
  }
  return trades;
}

/** Member that holds the time of a trade. */
const tradeTimeMember = "T";

const [quote, backslash, opening, closing] = [34, 92, 123, 125];

function parsedList(text: string): readonly unknown[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Splits a JSON list of objects into their texts, without white space between members; null if it is not such a list. */
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
      objects.push(withoutBlanks(list.slice(from, at + 1)));
      from = at + 1;
    }
  }
  return depth === 0 && list.slice(from).trim() === "" ? objects : null;
}
