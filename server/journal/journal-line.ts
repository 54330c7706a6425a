import { entryOf, type JournalEntry } from "./entry.ts";

/*
 * A line of the journal: CRC-32 of the rest as eight hexadecimal digits, a space, the entry's number, a space, the entry as JSON.
 *
 *   1c291ca3 17 {"kind":"gap","gap":{"stream":"depth20","symbol":"BTCUSDT","from_us":…}}
 *
 * Numbers count up by one. The first line is `{"kind":"journal","version":1,"id":"…"}`; the id changes when a journal begins anew, so
 * that a number alone never passes for the same number of another journal.
 */

/** A line that could be read. */
export type JournalLine =
  | { readonly kind: "head"; readonly id: string; readonly number: number }
  | { readonly kind: "entry"; readonly entry: JournalEntry; readonly number: number };

/** The line, newline included. */
export function encodeEntry(entry: JournalEntry, number: number): string {
  return withChecksum(`${number} ${JSON.stringify(entry)}`);
}

/** The first line of a journal whose entries so far are numbered up to `number`. */
export function encodeHead(id: string, number: number): string {
  return withChecksum(`${number} ${JSON.stringify({ kind: "journal", version: 1, id })}`);
}

/** Reads a line without its newline; null for one that is torn, damaged, or of a version that is not known here. */
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
