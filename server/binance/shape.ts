import type { StreamKind } from "../stream.ts";

/** Proves payloads of one stream type. */
export type Shape = {
  /** True if `text` holds, from `from` to its end, a payload of this shape and the end of its envelope. */
  isProved(text: string, from: number): boolean;
};

/**
 * Anchored patterns that prove a payload to be of the shape Binance documents, without parsing it: member names, their
 * order, and the form of every number. They are sticky, start at the payload's `{` and end with the `}` of the combined
 * stream's envelope, so that a match also proves that nothing follows. Repetition is bounded by the frame's own brackets.
 * Source: web-socket-streams.md of binance-spot-api-docs.
 */
export function createShape(kind: StreamKind, levels: number | null): Shape {
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

const int = "-?\\d{1,16}";
const decimal = '"\\d{1,20}(?:\\.\\d{1,20})?"';
/** How spot prices and quantities are written today; with nothing left open the proof takes two thirds of the time. */
const commonDecimal = '"\\d{1,20}\\.\\d{8}"';
const bool = "(?:true|false)";

function side(most: number | null, decimal: string): string {
  const level = `\\[${decimal},${decimal}\\]`;
  return `\\[(?:${level}(?:,${level})${most === null ? "*" : `{0,${most - 1}}`})?\\]`;
}

function payload(kind: StreamKind, levels: number | null, decimal: string): string {
  const event = (name: string) => `\\{"e":"${name}","E":${int},"s":"[^"\\\\]{1,80}"`;
  switch (kind) {
    case "partialDepth":
    case "depthSnapshot":
      return `\\{"lastUpdateId":${int},"bids":${side(levels, decimal)},"asks":${side(levels, decimal)}\\}`;
    case "diffDepth":
      return `${event("depthUpdate")},"U":${int},"u":${int},"b":${side(null, decimal)},"a":${side(null, decimal)}\\}`;
    case "aggTrade":
      return `${event("aggTrade")},"a":${int},"p":${decimal},"q":${decimal},"f":${int},"l":${int},"T":${int},"m":${bool},"M":${bool}\\}`;
    case "trade":
      return `${event("trade")},"t":${int},"p":${decimal},"q":${decimal}(?:,"b":${int},"a":${int})?,"T":${int},"m":${bool},"M":${bool}\\}`;
    case "bookTicker":
      return `\\{"u":${int},"s":"[^"\\\\]{1,80}","b":${decimal},"B":${decimal},"a":${decimal},"A":${decimal}\\}`;
  }
}
