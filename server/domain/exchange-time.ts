/**
 * Binance writes times as milliseconds or microseconds since the Unix epoch, as the client has asked. The size tells which: the same
 * number as the other unit would be before 1974 or after 5138. So a file that holds both units is read correctly.
 */

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
