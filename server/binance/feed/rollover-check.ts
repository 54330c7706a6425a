import type { StreamState } from "../gaps/stream-state.ts";
import type { LiveConnection } from "../sockets/live-connection.ts";

/**
 * The state of a rollover.
 *
 * | state   | meaning                                                                                         |
 * |---------|-------------------------------------------------------------------------------------------------|
 * | waiting | the new connection does not deliver all streams of the old connection yet                       |
 * | done    | the new connection delivers all of them: closing the old connection loses no message            |
 * | in_vain | the deadline has passed, and the old connection delivers streams that the new connection lacks   |
 */
export type Rollover = "done" | "waiting" | "in_vain";

/** A stream that is quiet on both connections counts as delivered after `lingerUs`. The rollover is decided after `deadlineUs`. */
export type RolloverTimes = { readonly lingerUs: number; readonly deadlineUs: number };

/** Most lag between two connections, µs; captures show less than 3 s. A connection that is catching up gets more time. */
const mostLagUs = 5_000_000;

/** A connection without any data after this time will not deliver, µs. */
const firstDataWithinUs = 15_000_000;

/**
 * Checks how far the rollover from `old` to `next` has come. A stream of the old connection counts as delivered by the new:
 *
 * | the new connection        | the old connection              | counts as delivered                                           |
 * |---------------------------|---------------------------------|---------------------------------------------------------------|
 * | not subscribed yet        |                                 | no                                                            |
 * | has delivered the stream  | has reached the start of the new | yes                                                           |
 * | has delivered the stream  | lags behind or is silent        | after `mostLagUs` without progress                            |
 * | has not delivered it      | has delivered it since          | no; in_vain after the deadline                                |
 * | has not delivered it      | has not delivered it since      | after `lingerUs`                                              |
 */
export function checkRollover(
  old: LiveConnection,
  next: LiveConnection,
  states: readonly (StreamState | null)[],
  nowUs: number,
  times: RolloverTimes,
): Rollover {
  const isOver = nowUs - next.openedUs > times.deadlineUs;
  if (next.firstDataUs === 0) {
    if (nowUs - next.openedUs < Math.min(times.deadlineUs, firstDataWithinUs)) return "waiting";
    // If neither delivers, the new connection is no worse.
    return old.lastDataUs > next.openedUs ? "in_vain" : "done";
  }
  if (old.isSilent) return "done";
  let isComplete = true;
  for (const [index, state] of states.entries()) {
    if (state === null) continue;
    const sinceUs = next.active.get(state.stream.name);
    if (sinceUs === undefined) {
      isComplete = false;
      continue;
    }
    const before = old.cursors[index];
    const after = next.cursors[index];
    if (after !== undefined) {
      // Messages that were sent before the new connection began may still arrive on the old one.
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
