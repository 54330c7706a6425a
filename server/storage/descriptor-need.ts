/** Descriptors that a recorder uses besides segments: sockets, catalogue, log, workers, libraries. Page visitors come on top. */
const baseUse = 60;

/** Returns how many descriptors to keep free for the page, REST, workers and so on: a quarter of the limit, within bounds. */
function spareOf(limit: number): number {
  return Math.min(256, Math.max(24, Math.floor(limit / 4)));
}

/**
 * Returns how many segments may be open at once under this limit.
 * Without such a bound, the last streams would take the descriptors that page and catalogue need.
 */
export function mostOpenSegments(limit: number, inUse: number): number {
  return Math.max(1, limit - inUse - spareOf(limit));
}

/** Returns the descriptors that a recorder with this number of streams needs: one per stream, some at window ends, and the rest. */
export function neededDescriptors(streams: number): number {
  return Math.ceil(streams * 1.25) + baseUse + 256;
}

/** Explains why a limit is too low and how to raise it; null if it suffices. */
export function limitProblem(
  limit: number,
  streams: number,
): { readonly problem: string; readonly advice: string } | null {
  const needed = neededDescriptors(streams);
  if (mostOpenSegments(limit, baseUse) >= streams) return null;
  return {
    problem: `this process may have ${limit} files open; ${streams} streams need ${needed}`,
    advice: `raise the limit: LimitNOFILE=${needed} in the service's unit (systemctl edit rt-data), ulimit -n ${needed} in a shell, --ulimit nofile=${needed} for a container`,
  };
}
