/** First and longest wait between two attempts to connect, ms. */
const firstMs = 250;
const longestMs = 30_000;

/**
 * Returns the wait before attempt `failures` + 1, ms. It doubles with each failure in a row.
 * Up to half of it is then removed at random, so that sockets cut at the same time do not reconnect at the same time.
 */
export function backoffMs(failures: number, random: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16)) * (1 - random / 2);
}
