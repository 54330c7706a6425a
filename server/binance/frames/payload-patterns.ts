import type { StreamMember } from "../../domain/stream-kind-facts.ts";
import { type StreamKind, streamKinds } from "../../domain/stream-kinds.ts";

/** Proves the form of payloads of one stream type. */
export type PayloadPattern = {
  /** True if `text` holds, from `from` to its end, a payload of this form and the end of its envelope. */
  isProved(text: string, from: number): boolean;
};

/**
 * Creates the pattern that proves a payload's documented form without parsing it: member names, their order, and the form of every
 * number. The pattern is sticky. It starts at the payload's `{` and ends with the `}` of the combined stream's envelope, so a match also
 * proves that the frame ends there. The frame's own brackets bound the repetition.
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

/** A JSON integer that a double holds exactly. Integers above 9 × 10¹⁵, which Binance does not use, go to the parser. */
const int = "(?:-?[1-9]\\d{0,14}|0|[1-8]\\d{15})";
/** An id, at least 0. */
const id = "(?:[1-9]\\d{0,14}|0|[1-8]\\d{15})";
/** A JSON string without escapes, control characters, or the replacement character of invalid UTF-8. */
const name = '"[^"\\\\\\u0000-\\u001f\\ufffd]{1,80}"';
const decimal = '"\\d{1,20}(?:\\.\\d{1,20})?"';
/** Today's form of spot prices and quantities. This stricter pattern takes two thirds of the time. */
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
