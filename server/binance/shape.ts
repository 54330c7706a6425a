import type { StreamKind } from "../stream.ts";

/**
 * Anchored patterns that prove a payload to be of the shape Binance documents, without parsing it: member names, their
 * order, and the form of every number. They are sticky, start at the payload's `{` and end with the `}` of the combined
 * stream's envelope, so that a match also proves that nothing follows. Repetition is bounded by the frame's own brackets.
 * Source: web-socket-streams.md of binance-spot-api-docs.
 */
export function createShape(kind: StreamKind, levels: number | null): RegExp {
  return new RegExp(`${payload(kind, levels)}\\}$`, "y");
}

const int = "-?\\d{1,16}";
const decimal = '"\\d{1,20}(?:\\.\\d{1,20})?"';
const level = `\\[${decimal},${decimal}\\]`;
const bool = "(?:true|false)";

function side(most: number | null): string {
  return `\\[(?:${level}(?:,${level})${most === null ? "*" : `{0,${most - 1}}`})?\\]`;
}

function payload(kind: StreamKind, levels: number | null): string {
  const event = (name: string) => `\\{"e":"${name}","E":${int},"s":"[^"\\\\]{1,80}"`;
  switch (kind) {
    case "partialDepth":
    case "depthSnapshot":
      return `\\{"lastUpdateId":${int},"bids":${side(levels)},"asks":${side(levels)}\\}`;
    case "diffDepth":
      return `${event("depthUpdate")},"U":${int},"u":${int},"b":${side(null)},"a":${side(null)}\\}`;
    case "aggTrade":
      return `${event("aggTrade")},"a":${int},"p":${decimal},"q":${decimal},"f":${int},"l":${int},"T":${int},"m":${bool},"M":${bool}\\}`;
    case "trade":
      return `${event("trade")},"t":${int},"p":${decimal},"q":${decimal}(?:,"b":${int},"a":${int})?,"T":${int},"m":${bool},"M":${bool}\\}`;
    case "bookTicker":
      return `\\{"u":${int},"s":"[^"\\\\]{1,80}","b":${decimal},"B":${decimal},"a":${decimal},"A":${decimal}\\}`;
  }
}
