import { accept, kindOf, refuse, type ValueKind } from "../../config/value-kind.ts";
import { integer, text } from "../../config/values.ts";
import { parseSymbol } from "../../domain/stream.ts";

/** One parameter of a fault: its kind and its default. */
export type Parameter<T> = { readonly kind: ValueKind<T>; readonly fallback: T };

/** A parameter with a default. */
export function parameter<T>(kind: ValueKind<T>, fallback: NoInfer<T>): Parameter<T> {
  return { kind, fallback };
}

/** A parameter that may be missing. */
export function optionalParameter<T>(kind: ValueKind<T>): Parameter<T | null> {
  return { kind: kind as ValueKind<T | null>, fallback: null };
}

/** Up to a day. */
export const durationMs: ValueKind<number> = integer(0, 86_400_000);

/** A close code that may be sent; 0 stands for no close frame at all. */
export const closeCode: ValueKind<number> = kindOf((raw) => {
  const parsed = integer(0, 4999).parse(raw);
  const sendable =
    parsed.ok && (parsed.value === 0 || (parsed.value >= 1000 && ![1004, 1005, 1006, 1015].includes(parsed.value)));
  return sendable
    ? parsed
    : refuse("a close code from 1000 to 4999 other than 1004, 1005, 1006 and 1015, or 0 to cut TCP");
});

/** What a close frame may say: 123 bytes at most. */
export const closeReason: ValueKind<string> = kindOf((raw) =>
  typeof raw === "string" && Buffer.byteLength(raw) <= 123 ? accept(raw) : refuse("a text of 123 bytes at most"),
);

/** A status that refuses. */
export const httpStatus: ValueKind<number> = integer(400, 599);

/** A share of all: above 0, at most 1. */
export const share: ValueKind<number> = kindOf((raw) =>
  typeof raw === "number" && raw > 0 && raw <= 1 ? accept(raw) : refuse("a number above 0 and up to 1"),
);

/** A symbol, in either case; read as the exchange spells it. */
export const symbolName: ValueKind<string> = kindOf((raw) => {
  const symbol = typeof raw === "string" ? parseSymbol(raw) : null;
  return symbol === null ? refuse('a symbol such as "BTCUSDT"') : accept(symbol);
});

/** The name of a stream, whether or not it exists. */
export const streamName: ValueKind<string> = kindOf((raw) => {
  const parsed = text.parse(raw);
  return parsed.ok && parsed.value.includes("@") ? parsed : refuse('a stream such as "btcusdt@depth20@100ms"');
});
