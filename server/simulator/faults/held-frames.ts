import type { Frame } from "../protocol/frames.ts";
import type { FaultScopeMatch } from "./fault-scope.ts";
import type { Effect } from "./hooks.ts";

/** Sends frames that were held back on their way. */
export type Release = (connection: number, frames: readonly Frame[]) => void;

/** Limit of characters held back for one connection; beyond it the held frames go out early instead of being dropped. */
const mostHeld = 64 * 1024 * 1024;

/** Holds everything back until the end. */
export function createStall(aim: FaultScopeMatch, release: Release): Effect {
  const held = createHold(release);
  return {
    pass(connection, frames) {
      const passing: Frame[] = [];
      for (const frame of frames) {
        if (aim.hits(connection, frame.stream)) held.add(connection, frame);
        else passing.push(frame);
      }
      return passing;
    },
    closed: held.forget,
    end: held.flushAll,
  };
}

/** Sends everything `delayMs` later; at the end the delayed frames go out at once. */
export function createLate(aim: FaultScopeMatch, delayMs: number, release: Release): Effect {
  const queues = new Map<number, { due: number; frame: Frame }[]>();
  const timers = new Map<number, ReturnType<typeof setTimeout>>();

  function run(connection: number): void {
    const queue = queues.get(connection) ?? [];
    const now = performance.now();
    const ripe = queue.findIndex(({ due }) => due > now);
    const frames = queue.splice(0, ripe < 0 ? queue.length : ripe).map(({ frame }) => frame);
    const [next] = queue;
    if (next === undefined) timers.delete(connection);
    else timers.set(connection, setTimeout(run, Math.max(1, next.due - now), connection));
    if (frames.length > 0) release(connection, frames);
  }

  function forget(connection: number): void {
    clearTimeout(timers.get(connection));
    timers.delete(connection);
    queues.delete(connection);
  }

  return {
    pass(connection, frames) {
      const passing: Frame[] = [];
      const queue = queues.get(connection) ?? [];
      queues.set(connection, queue);
      const due = performance.now() + delayMs;
      for (const frame of frames) {
        if (aim.hits(connection, frame.stream)) queue.push({ due, frame });
        else passing.push(frame);
      }
      if (queue.length > 0 && !timers.has(connection)) timers.set(connection, setTimeout(run, delayMs, connection));
      return passing;
    },
    closed: forget,
    end() {
      for (const [connection, queue] of [...queues]) {
        forget(connection);
        release(
          connection,
          queue.map(({ frame }) => frame),
        );
      }
    },
  };
}

/** Swaps neighbours: holds a frame back until the next frame of its stream has gone out. */
export function createReorder(aim: FaultScopeMatch, release: Release): Effect {
  const held = createHold(release);
  return {
    pass(connection, frames) {
      const passing: Frame[] = [];
      for (const frame of frames) {
        const earlier = held.take(connection, frame.stream);
        if (earlier !== null) passing.push(frame, earlier);
        else if (aim.hits(connection, frame.stream)) held.add(connection, frame);
        else passing.push(frame);
      }
      return passing;
    },
    closed: held.forget,
    end: held.flushAll,
  };
}

function createHold(release: Release) {
  const byConnection = new Map<number, { frames: Frame[]; size: number }>();

  function flush(connection: number): void {
    const held = byConnection.get(connection);
    byConnection.delete(connection);
    if (held !== undefined && held.frames.length > 0) release(connection, held.frames);
  }

  return {
    add(connection: number, frame: Frame): void {
      const held = byConnection.get(connection) ?? { frames: [], size: 0 };
      byConnection.set(connection, held);
      held.frames.push(frame);
      held.size += frame.text.length;
      if (held.size > mostHeld) flush(connection);
    },
    /** Removes and returns the held frame of this stream; null if there is no such frame. */
    take(connection: number, stream: string): Frame | null {
      const held = byConnection.get(connection);
      const at = held?.frames.findIndex((frame) => frame.stream === stream) ?? -1;
      const [frame] = at < 0 ? [] : (held?.frames.splice(at, 1) ?? []);
      if (held === undefined || frame === undefined) return null;
      held.size -= frame.text.length;
      return frame;
    },
    forget: (connection: number) => void byConnection.delete(connection),
    flushAll(): void {
      for (const connection of [...byConnection.keys()]) flush(connection);
    },
  };
}
