/** What a recorder has open besides segments, before anybody looks at its page: sockets, catalogue, log, workers, libraries. */
const basic = 60;

/** Kept free for the page, the exchange's REST answers, workers and whatever else must go on: a quarter, within bounds. */
function spareOf(limit: number): number {
  return Math.min(256, Math.max(24, Math.floor(limit / 4)));
}

/** Segments that may be open at once under this limit: without a bound the last stream would take what page and catalogue need. */
export function mostOpenSegments(limit: number, inUse: number): number {
  return Math.max(1, limit - inUse - spareOf(limit));
}

/** Descriptors that a recorder of so many streams wants: one for each, some at a window's end, and what everything else needs. */
export function neededDescriptors(streams: number): number {
  return Math.ceil(streams * 1.25) + basic + 256;
}

/** Why a limit is too low, with what to do about it; null if it is not. */
export function limitProblem(
  limit: number,
  streams: number,
): { readonly problem: string; readonly advice: string } | null {
  const needed = neededDescriptors(streams);
  if (mostOpenSegments(limit, basic) >= streams) return null;
  return {
    problem: `this process may have ${limit} files open; ${streams} streams want ${needed}`,
    advice: `raise the limit: LimitNOFILE=${needed} in the service's unit (systemctl edit rt-data), ulimit -n ${needed} in a shell, --ulimit nofile=${needed} for a container`,
  };
}
