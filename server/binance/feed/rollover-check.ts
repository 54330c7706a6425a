import type { StreamState } from "../gaps/stream-state.ts";
import type { LiveConnection } from "../sockets/live-connection.ts";

/**
 * "done": the new connection has all that the old one brings, so that closing the old one loses nothing. "waiting": not yet.
 * "in_vain": time is up, and there are streams that the old one delivers and the new one does not.
 */
export type Rollover = "done" | "waiting" | "in_vain";

/** A stream that is quiet on both is believed after `lingerUs`; after `deadlineUs` everything is decided. */
export type RolloverTimes = { readonly lingerUs: number; readonly deadlineUs: number };

/** One connection may lag behind another by so much, µs; seen in captures: less than 3 s. One that goes on catching up is waited for longer. */
const mostLagUs = 5_000_000;

/** A connection that has shown nothing at all by then will not, µs. */
const firstDataWithinUs = 15_000_000;

/** How far the change from one connection to the next has come. */
export function checkRollover(
  old: LiveConnection,
  next: LiveConnection,
  carried: readonly (StreamState | null)[],
  nowUs: number,
  times: RolloverTimes,
): Rollover {
  const isOver = nowUs - next.openedUs > times.deadlineUs;
  if (next.firstDataUs === 0) {
    if (nowUs - next.openedUs < Math.min(times.deadlineUs, firstDataWithinUs)) return "waiting";
    // Nothing on either: the fresh one is no worse.
    return old.lastDataUs > next.openedUs ? "in_vain" : "done";
  }
  if (old.isSilent) return "done";
  let isComplete = true;
  for (const [index, one] of carried.entries()) {
    if (one === null) continue;
    const sinceUs = next.active.get(one.stream.name);
    if (sinceUs === undefined) {
      isComplete = false;
      continue;
    }
    const before = old.cursors[index];
    const after = next.cursors[index];
    if (after !== undefined) {
      // What the old one was sent before the new one began may still be under way.
      const hasCaughtUp = before !== undefined && (before.recent >= after.first || before.epoch !== after.epoch);
      const isCatchingUp = before !== undefined && before.lastUs > after.firstUs && nowUs - before.lastUs < mostLagUs;
      if (!hasCaughtUp && (isCatchingUp || nowUs - after.firstUs < mostLagUs)) isComplete = false;
    } else if (before !== undefined && before.lastUs > sinceUs) {
      if (isOver && before.lastUs - sinceUs > mostLagUs) return "in_vain";
      isComplete = false;
    } else if (nowUs - sinceUs < times.lingerUs) {
      isComplete = false;
    }
  }
  return isComplete || isOver ? "done" : "waiting";
}
