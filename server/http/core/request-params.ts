import { type Day, dateStartUs } from "../../domain/day.ts";
import { parseSymbol, streamTypeOfFolder } from "../../domain/stream.ts";
import { parseTime } from "../../platform/time/time-parser.ts";

/** A value in a request that is not accepted; becomes a 400 whose code and message say which and why. */
export class QueryError extends Error {
  override readonly name = "QueryError";
}

/** A count from 1 to `most`. */
export function limitOf(text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new QueryError(`limit "${text}" is not accepted; give a whole number from 1 to ${most}.`);
}

/** µs of an ISO time, or null where none was given. */
export function instantOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const us = parseTime(text);
  if (us !== null) return us;
  throw new QueryError(
    `${name} "${text}" is not accepted; give a UTC time such as 2026-11-22 or 2026-11-22T15:04:05Z.`,
  );
}

/** A UTC date such as 2026-11-22. */
export function dateOfText(name: string, text: string): string {
  const us = dateStartUs(text);
  if (Number.isFinite(us) && new Date(us / 1000).toISOString().startsWith(text)) return text;
  throw new QueryError(`${name} "${text}" is not accepted; give a date such as 2026-11-22.`);
}

/** A symbol in upper case. */
export function symbolOf(text: string): string {
  const symbol = parseSymbol(text);
  if (symbol !== null) return symbol;
  throw new QueryError(`symbol "${text}" is not accepted; give one such as BTCUSDT.`);
}

/** The folder name of a stream. */
export function streamOf(text: string): string {
  if (streamTypeOfFolder(text) !== null) return text;
  throw new QueryError(`stream "${text}" is not accepted; give one such as depth20 or aggTrade.`);
}

/** The day that three path segments name; nothing that could lead out of the data folder gets through. */
export function dayOf(params: { stream: string; symbol: string; date: string }): Day {
  return { stream: streamOf(params.stream), symbol: symbolOf(params.symbol), date: dateOfText("date", params.date) };
}

/** Applies a reader to what was given, null where nothing was. */
export function optional<T>(text: string | undefined, read: (text: string) => T): T | null {
  return text === undefined ? null : read(text);
}
