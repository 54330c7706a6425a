/**
 * Binance writes times as milliseconds or microseconds since the Unix epoch, as the client has asked. The size tells which: the same
 * number as the other unit would be before 1974 or after 5138. So a file that holds both units is read correctly.
 */

/** The unit in which the exchange is asked to write times. */
export type TimeUnit = "ms" | "us";

/** Times from this value on are in µs, lower times in ms. */
const leastMicroseconds = 1e14;

/** Tests whether a time of the exchange is in µs. */
export function isMicroseconds(time: number): boolean {
  return time >= leastMicroseconds;
}

/** Converts a time of the exchange to ms, with decimals if it was in µs. */
export function exchangeMs(time: number): number {
  return isMicroseconds(time) ? time / 1000 : time;
}

/** Converts a time of the exchange to µs. */
export function exchangeUs(time: number): number {
  return isMicroseconds(time) ? time : time * 1000;
}

/** Times in µs in front of the first list. Ids are shorter. */
const longTimes = /:(1\d{12})\d{3}(?=[,}])/g;

/**
 * Returns a payload with its times cut to ms, as the exchange sends the same record to a client that asked for ms. Times behind a list of
 * levels, which no payload has today, stay as they are.
 */
export function withMilliseconds(payload: string): string {
  const levels = payload.indexOf("[");
  const head = levels < 0 ? payload : payload.slice(0, levels);
  const cut = head.replace(longTimes, ":$1");
  return cut.length === head.length ? payload : cut + payload.slice(head.length);
}
