import type { StreamMember } from "../../domain/stream-kind-facts.ts";
import { type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";

/** Proves payloads of one stream type. */
export type PayloadPattern = {
  /** True if `text` holds, from `from` to its end, a payload of this shape and the end of its envelope. */
  isProved(text: string, from: number): boolean;
};

/**
 * Anchored patterns that prove a payload to be of the shape Binance documents, without parsing it: member names, their
 * order, and the form of every number. They are sticky, start at the payload's `{` and end with the `}` of the combined
 * stream's envelope, so that a match also proves that nothing follows. Repetition is bounded by the frame's own brackets.
 * Source: web-socket-streams.md of binance-spot-api-docs.
 */
export function createPayloadPattern(kind: StreamKind, levels: number | null): PayloadPattern {
  const common = new RegExp(`${payload(kind, levels, commonDecimal)}\\}$`, "y");
  const any = new RegExp(`${payload(kind, levels, decimal)}\\}$`, "y");
  return {
    isProved(text, from) {
      common.lastIndex = from;
      if (common.test(text)) return true;
      any.lastIndex = from;
      return any.test(text);
    },
  };
}

/** A JSON integer that a double holds exactly; those above 9 × 10¹⁵, which Binance does not use, are left to the parser. */
const int = "(?:-?[1-9]\\d{0,14}|0|[1-8]\\d{15})";
/** An id, which is never below 0. */
const id = "(?:[1-9]\\d{0,14}|0|[1-8]\\d{15})";
/** A JSON string without escapes, control characters, or the sign of bytes that were not UTF-8. */
const name = '"[^"\\\\\\u0000-\\u001f\\ufffd]{1,80}"';
const decimal = '"\\d{1,20}(?:\\.\\d{1,20})?"';
/** How spot prices and quantities are written today; with nothing left open the proof takes two thirds of the time. */
const commonDecimal = '"\\d{1,20}\\.\\d{8}"';
const bool = "(?:true|false)";

function side(most: number | null, decimal: string): string {
  const level = `\\[${decimal},${decimal}\\]`;
  return `\\[(?:${level}(?:,${level})${most === null ? "*" : `{0,${most - 1}}`})?\\]`;
}

function payload(kind: StreamKind, levels: number | null, decimal: string): string {
  let pattern = "";
  let isInFormer = false;
  for (const [n, member] of streamKinds[kind].members.entries()) {
    if (isInFormer && !member.isFormer) pattern += ")?";
    if (member.isFormer && !isInFormer) pattern += "(?:";
    isInFormer = member.isFormer;
    pattern += `${n === 0 ? "" : ","}"${member.name}":${valuePattern(member, levels, decimal)}`;
  }
  return `\\{${pattern}${isInFormer ? ")?" : ""}\\}`;
}

function valuePattern({ form, value }: StreamMember, levels: number | null, decimal: string): string {
  switch (form) {
    case "event":
      return `"${value}"`;
    case "symbol":
      return name;
    case "id":
      return id;
    case "time":
    case "integer":
      return int;
    case "decimal":
      return decimal;
    case "boolean":
      return bool;
    case "bids":
    case "asks":
      return side(levels, decimal);
  }
}
