import { type Day, dateStartUs } from "../../domain/day.ts";
import { parseSymbol, streamTypeOfFolder } from "../../domain/stream.ts";
import { parseTime } from "../../platform/time/time-parser.ts";

/** Says that a request value is not accepted. It becomes a 400 whose message names the value and the accepted form. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

/** Parses a count from 1 to `most`. @throws QueryError */
export function limitOf(text: string | undefined, fallback: number, most: number, name = "limit"): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new QueryError(`${name} "${text}" is not accepted; give a whole number from 1 to ${most}.`);
}

/** Parses an ISO time into µs since the Unix epoch; null if it is missing. @throws QueryError */
export function instantOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const us = parseTime(text);
  if (us !== null) return us;
  throw new QueryError(
    `${name} "${text}" is not accepted; give a UTC time such as 2026-11-22 or 2026-11-22T15:04:05Z.`,
  );
}

/** Checks a UTC date such as 2026-11-22. @throws QueryError */
export function dateOfText(name: string, text: string): string {
  const us = dateStartUs(text);
  if (Number.isFinite(us) && new Date(us / 1000).toISOString().startsWith(text)) return text;
  throw new QueryError(`${name} "${text}" is not accepted; give a date such as 2026-11-22.`);
}

/** Parses a symbol and returns it in upper case. @throws QueryError */
export function symbolOf(text: string): string {
  const symbol = parseSymbol(text);
  if (symbol !== null) return symbol;
  throw new QueryError(`symbol "${text}" is not accepted; give a symbol such as BTCUSDT.`);
}

/** Checks the folder name of a stream. @throws QueryError */
export function streamOf(text: string): string {
  if (streamTypeOfFolder(text) !== null) return text;
  throw new QueryError(`stream "${text}" is not accepted; give a stream such as depth20 or aggTrade.`);
}

/** Parses the day named by three path segments. The checks keep paths inside the data folder. @throws QueryError */
export function dayOf(params: { stream: string; symbol: string; date: string }): Day {
  return { stream: streamOf(params.stream), symbol: symbolOf(params.symbol), date: dateOfText("date", params.date) };
}

/** Parses an optional value; null if it is missing. */
export function optional<T>(text: string | undefined, read: (text: string) => T): T | null {
  return text === undefined ? null : read(text);
}
