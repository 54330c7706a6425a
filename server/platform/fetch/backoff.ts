/** First and longest wait between two attempts to connect, ms. */
const firstMs = 250;
const longestMs = 30_000;

/**
 * How long to wait before attempt `failures` + 1, ms: doubled with each failure in a row, then shortened by up to a half at
 * random, so that many sockets cut at once do not come back at once.
 */
export function backoffMs(failures: number, random: number): number {
  return Math.min(longestMs, firstMs * 2 ** Math.min(failures, 16)) * (1 - random / 2);
}
