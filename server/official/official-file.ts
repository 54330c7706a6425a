import type { Day } from "../domain/day.ts";
import { exchangeUs, isMicroseconds } from "../domain/market/exchange-time.ts";
import { restName, type StreamKind, streamKinds } from "../domain/stream-kinds.ts";

/** Where Binance publishes its daily files. Source: binance-public-data, README. */
export const officialUrl = "https://data.binance.vision";

/** One kind of file. */
export type OfficialKind = {
  /** Its name in folders and file names. */
  readonly name: "aggTrades" | "trades";
  readonly columns: readonly OfficialColumn[];
  /** Positions of id and time. */
  readonly id: number;
  readonly time: number;
};

/** A column: the member of a payload with the same value, as sent by a socket (null if only REST has it) and over REST. */
type OfficialColumn = {
  readonly member: string | null;
  readonly rest: string;
  /** JSON writes the value in quotes. */
  readonly isText: boolean;
};

/** Source: binance-public-data, README: "Spot", columns of AggTrades and Trades, named as the members of the stream. */
const kinds: Readonly<Record<string, OfficialKind>> = {
  aggTrade: kindOf("aggTrade", "aggTrades", ["a", "p", "q", "f", "l", "T", "m", "M"]),
  trade: kindOf("trade", "trades", ["t", "p", "q", "quoteQty", "T", "m", "M"]),
};

function kindOf(kind: StreamKind, name: OfficialKind["name"], names: readonly string[]): OfficialKind {
  const { members, id } = streamKinds[kind];
  const columns = names.map((column) => {
    const form = members.find((member) => member.name === column)?.form;
    // The quantity in quote asset, which only REST has.
    const isKnown = form !== undefined;
    return { member: isKnown ? column : null, rest: restName(kind, column), isText: !isKnown || form === "decimal" };
  });
  return { name, columns, id: names.indexOf(id ?? ""), time: names.indexOf("T") };
}

/** Folders of the streams for which Binance publishes daily files. */
export const officialStreams: readonly string[] = Object.keys(kinds);

/** Returns the kind of daily file for a stream; null if there are no files of it. */
export function officialKind(stream: string): OfficialKind | null {
  return kinds[stream] ?? null;
}

/** Returns the name of a day's file without its ending, and its address. */
export function officialFile(base: string, kind: OfficialKind, { symbol, date }: Day): { name: string; url: string } {
  const name = `${symbol}-${kind.name}-${date}`;
  const path = ["data", "spot", "daily", kind.name, symbol, `${name}.zip`].map(encodeURIComponent).join("/");
  return { name, url: `${base}/${path}` };
}

/** A row of a file. */
export type OfficialTrade = {
  readonly id: number;
  /** Time of the trade, µs. */
  readonly timeUs: number;
  /** The time has microseconds, as in files from 2025 on. */
  readonly isInUs: boolean;
  /** The compared values, joined by commas; see `comparedText`. */
  readonly text: string;
  readonly fields: readonly string[];
};

/**
 * Parses a row. Null for the header that some files have.
 * @throws if the row does not have the form of its kind
 */
export function parseRow(kind: OfficialKind, line: string): OfficialTrade | null {
  const fields = line.split(",");
  const first = line.charCodeAt(0);
  // A header begins with a letter.
  if (!(first >= 48 && first <= 57)) {
    if (/^[a-z_ ]+(,|$)/i.test(line)) return null;
    throw new Error(`a line begins with neither an id nor a name: ${shortened(line)}`);
  }
  const [id, time] = [Number(fields[kind.id]), Number(fields[kind.time])];
  if (fields.length !== kind.columns.length || !Number.isSafeInteger(id) || !Number.isSafeInteger(time) || time <= 0)
    throw new Error(`a row does not have the ${kind.columns.length} columns of ${kind.name}: ${shortened(line)}`);
  const text = comparedOf(kind, (_, at) => plain(fields[at] ?? ""));
  return { id, ...timeOf(time), text, fields };
}

/** Returns what `OfficialTrade.text` says of the same trade, and its time, from a recorded payload; null if it is no such payload. */
export function comparedText(
  kind: OfficialKind,
  payload: string,
): { readonly text: string; readonly timeUs: number; readonly isInUs: boolean } | null {
  let values: Record<string, unknown>;
  try {
    values = JSON.parse(payload);
  } catch {
    return null;
  }
  const read = ({ member, rest }: OfficialColumn) => values[member ?? rest] ?? values[rest];
  const time = Number(read(kind.columns[kind.time] as OfficialColumn));
  if (!Number.isSafeInteger(time)) return null;
  return { text: comparedOf(kind, (column) => String(read(column))), ...timeOf(time) };
}

/** Joins the values that a recorded payload has as well, except id and time, which are compared apart. */
function comparedOf(kind: OfficialKind, read: (column: OfficialColumn, at: number) => string): string {
  return kind.columns
    .flatMap((column, at) => (at === kind.id || at === kind.time || column.member === null ? [] : [read(column, at)]))
    .join(",");
}

/** Returns the trade as the text of a REST object, with its time in ms, as REST sends it by default. */
export function restPayload(kind: OfficialKind, { fields, timeUs }: OfficialTrade): string {
  const members = kind.columns.map(({ rest, isText }, at) => {
    const value = at === kind.time ? String(Math.floor(timeUs / 1000)) : plain(fields[at] ?? "");
    return `"${rest}":${isText ? `"${value}"` : value}`;
  });
  return `{${members.join(",")}}`;
}

function timeOf(time: number): { timeUs: number; isInUs: boolean } {
  return { timeUs: exchangeUs(time), isInUs: isMicroseconds(time) };
}

/** Files write booleans as `True` or `true`. */
function plain(value: string): string {
  return value === "True" ? "true" : value === "False" ? "false" : value;
}

function shortened(line: string): string {
  return JSON.stringify(line.slice(0, 60));
}
