import type { StreamKind } from "../../stream.ts";

/** From here on a time is in µs. */
const microseconds = 1e14;

/**
 * The payload with its event and trade times (`E`, `T`; ms or µs) moved by so many ms, everything else as it was. Partial depth,
 * REST books and bookTicker carry none.
 */
export function shiftEventTimes(payload: string, kind: StreamKind | undefined, ms: number): string {
  switch (kind) {
    case "partialDepth":
    case "depthSnapshot":
    case "bookTicker":
      return payload;
    case "trade":
    case "aggTrade":
      return payload.replace(/"([ET])":(\d+)(?=[,}])/g, (_, member, digits) => moved(member, digits, ms));
    default:
      return payload.replace(/"(E)":(\d+)(?=[,}])/, (_, member, digits) => moved(member, digits, ms));
  }
}

function moved(member: string, digits: string, ms: number): string {
  const value = Number(digits);
  return `"${member}":${value + Math.round(value >= microseconds ? ms * 1000 : ms)}`;
}
