import { entryOf, type JournalEntry } from "./entry.ts";

/*
 * A line of the journal: CRC-32 of the rest as eight hexadecimal digits, a space, the number of the entry, a space, the entry as JSON.
 *
 *   1c291ca3 17 {"kind":"gap","gap":{"stream":"depth20","symbol":"BTCUSDT","from_us":…}}
 *
 * Numbers increase by one. The first line is `{"kind":"journal","version":1,"id":"…"}`. A new journal gets a new id, so that a number is
 * never mistaken for the same number of another journal.
 */

/** A decoded line. */
export type JournalLine =
  | { readonly kind: "head"; readonly id: string; readonly number: number }
  | { readonly kind: "entry"; readonly entry: JournalEntry; readonly number: number };

/** Encodes an entry as a line with its newline. */
export function encodeEntry(entry: JournalEntry, number: number): string {
  return withChecksum(`${number} ${JSON.stringify(entry)}`);
}

/** Encodes the first line of a journal whose entries so far have numbers up to `number`. */
export function encodeHead(id: string, number: number): string {
  return withChecksum(`${number} ${JSON.stringify({ kind: "journal", version: 1, id })}`);
}

/** Decodes a line without its newline; null if it is torn, damaged, or of an unknown version. */
export function decodeJournalLine(line: string): JournalLine | null {
  const match = /^([0-9a-f]{8}) (\d{1,15}) (.*)$/.exec(line);
  const [, checksum, digits, text = ""] = match ?? [];
  if (checksum === undefined || checksum !== checksumOf(`${digits} ${text}`)) return null;
  const number = Number(digits);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { kind, version, id } = (value ?? {}) as { kind?: unknown; version?: unknown; id?: unknown };
  if (kind === "journal") return version === 1 && typeof id === "string" ? { kind: "head", id, number } : null;
  const entry = entryOf(value);
  return entry === null ? null : { kind: "entry", entry, number };
}

function withChecksum(text: string): string {
  return `${checksumOf(text)} ${text}\n`;
}

function checksumOf(text: string): string {
  return Bun.hash.crc32(text).toString(16).padStart(8, "0");
}
