/** Bounds of a wait that grows with each failure in a row. The unit of time is the caller's. */
export type Backoff = {
  /** The wait after the first failure. */
  readonly first: number;
  readonly longest: number;
  /** Factor from one wait to the next; default 2. */
  readonly growth?: number;
  /** Share of the wait that chance may remove, 0 to 1, so that callers that failed together do not retry together; default 0. */
  readonly jitter?: number;
};

/** Returns wait number `n` (0: the first). `random`: 0 to 1, decides how much of the jitter is removed. */
export function backoff(
  { first, longest, growth = 2, jitter = 0 }: Backoff,
  n: number,
  random = Math.random(),
): number {
  // The exponent is bounded, because 0 * Infinity is not a number.
  return Math.min(longest, first * growth ** Math.min(n, 64)) * (1 - jitter * random);
}
