import { integer, type Parsed, text, type ValueKind } from "../../config/values.ts";
import { parseSymbol } from "../../domain/stream.ts";

/** One parameter of a fault: its parser and its default. */
export type ScriptKey<T> = { readonly kind: ValueKind<T>; readonly fallback: T };

/** A parameter with a default. */
export function key<T>(kind: ValueKind<T>, fallback: NoInfer<T>): ScriptKey<T> {
  return { kind, fallback };
}

/** A parameter that may be missing. */
export function optional<T>(kind: ValueKind<T>): ScriptKey<T | null> {
  return { kind, fallback: null };
}

/** Milliseconds, up to a day. */
export const duration: ValueKind<number> = integer(0, 86_400_000);

/** A close code that may be sent; 0 stands for no close frame at all. */
export const closeCode: ValueKind<number> = (raw) => {
  const parsed = integer(0, 4999)(raw);
  const sendable =
    parsed.ok && (parsed.value === 0 || (parsed.value >= 1000 && ![1004, 1005, 1006, 1015].includes(parsed.value)));
  return sendable
    ? parsed
    : refuse("a close code from 1000 to 4999 other than 1004, 1005, 1006 and 1015, or 0 to cut TCP");
};

/** What a close frame may say: 123 bytes at most. */
export const closeReason: ValueKind<string> = (raw) => {
  if (typeof raw === "string" && Buffer.byteLength(raw) <= 123) return { ok: true, value: raw };
  return refuse("a text of 123 bytes at most");
};

/** A status that refuses. */
export const httpStatus: ValueKind<number> = integer(400, 599);

/** A share of all: above 0, at most 1. */
export const share: ValueKind<number> = (raw) =>
  typeof raw === "number" && raw > 0 && raw <= 1 ? { ok: true, value: raw } : refuse("a number above 0 and up to 1");

/** A symbol, in either case; read as the exchange spells it. */
export const symbolName: ValueKind<string> = (raw) => {
  const symbol = typeof raw === "string" ? parseSymbol(raw) : null;
  return symbol === null ? refuse('a symbol such as "BTCUSDT"') : { ok: true, value: symbol };
};

/** The name of a stream, whether or not it exists. */
export const streamName: ValueKind<string> = (raw) => {
  const parsed = text(raw);
  return parsed.ok && parsed.value.includes("@") ? parsed : refuse('a stream such as "btcusdt@depth20@100ms"');
};

function refuse<T>(accepted: string): Parsed<T> {
  return { ok: false, accepted };
}
