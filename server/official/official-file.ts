import type { Day } from "../domain/day.ts";
import { streamTypeOfFolder } from "../domain/stream.ts";

/** Where Binance publishes its daily files. Source: binance-public-data, README. */
export const officialUrl = "https://data.binance.vision";

/** The columns of one kind of file, and how its rows compare with recorded payloads. */
export type OfficialKind = {
  /** Its name in folders and file names. */
  readonly name: "aggTrades" | "trades";
  /** Number of columns. */
  readonly columns: number;
  /** Positions of id and time. */
  readonly id: number;
  readonly time: number;
  /** Positions of the columns that are compared, apart from id and time, each with the member of a payload: as sent, and over REST. */
  readonly compared: readonly (readonly [column: number, member: string, restMember: string])[];
  /** The members of a trade over REST with their columns, in the order of the REST object. Texts are quoted. */
  readonly rest: readonly (readonly [member: string, column: number, form: "text" | "plain"])[];
};

/** Source: binance-public-data, README: "Spot", columns of AggTrades and Trades. */
const kinds: Readonly<Record<string, OfficialKind>> = {
  aggTrade: {
    name: "aggTrades",
    columns: 8,
    id: 0,
    time: 5,
    compared: [
      [1, "p", "p"],
      [2, "q", "q"],
      [3, "f", "f"],
      [4, "l", "l"],
      [6, "m", "m"],
      [7, "M", "M"],
    ],
    rest: [
      ["a", 0, "plain"],
      ["p", 1, "text"],
      ["q", 2, "text"],
      ["f", 3, "plain"],
      ["l", 4, "plain"],
      ["T", 5, "plain"],
      ["m", 6, "plain"],
      ["M", 7, "plain"],
    ],
  },
  trade: {
    name: "trades",
    columns: 7,
    id: 0,
    time: 4,
    compared: [
      [1, "p", "price"],
      [2, "q", "qty"],
      [5, "m", "isBuyerMaker"],
      [6, "M", "isBestMatch"],
    ],
    rest: [
      ["id", 0, "plain"],
      ["price", 1, "text"],
      ["qty", 2, "text"],
      ["quoteQty", 3, "text"],
      ["time", 4, "plain"],
      ["isBuyerMaker", 5, "plain"],
      ["isBestMatch", 6, "plain"],
    ],
  },
};

/** Folders of the streams for which Binance publishes daily files. */
export const officialStreams: readonly string[] = Object.keys(kinds).filter(
  (name) => streamTypeOfFolder(name) !== null,
);

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

/** Times from this value on are in µs, lower times in ms. */
const microseconds = 1e14;

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
  if (fields.length !== kind.columns || !Number.isSafeInteger(id) || !Number.isSafeInteger(time) || time <= 0)
    throw new Error(`a row does not have the ${kind.columns} columns of ${kind.name}: ${shortened(line)}`);
  const text = kind.compared.map(([column]) => plain(fields[column] ?? "")).join(",");
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
  const time = Number(values.T ?? values.time);
  if (!Number.isSafeInteger(time)) return null;
  const text = kind.compared.map(([, member, rest]) => String(values[member] ?? values[rest])).join(",");
  return { text, ...timeOf(time) };
}

/** Returns the trade as the text of a REST object, with its time in ms, as REST sends it by default. */
export function restPayload(kind: OfficialKind, { fields, timeUs }: OfficialTrade): string {
  const members = kind.rest.map(([member, column, form]) => {
    const value = column === kind.time ? String(Math.floor(timeUs / 1000)) : plain(fields[column] ?? "");
    return `"${member}":${form === "text" ? `"${value}"` : value}`;
  });
  return `{${members.join(",")}}`;
}

function timeOf(time: number): { timeUs: number; isInUs: boolean } {
  const isInUs = time >= microseconds;
  return { timeUs: isInUs ? time : time * 1000, isInUs };
}

/** Files write booleans as `True` or `true`. */
function plain(value: string): string {
  return value === "True" ? "true" : value === "False" ? "false" : value;
}

function shortened(line: string): string {
  return JSON.stringify(line.slice(0, 60));
}
