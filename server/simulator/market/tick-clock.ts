import { nextTurn } from "../../platform/time/timers.ts";
/** Calls back tick by tick. */
export type TickClock = {
  /** `onTick` gets the tick's time in whole ms; its promise is awaited only at unlimited speed. */
  start(onTick: (atMs: number) => Promise<void> | null): void;
  /** No tick begins after this. */
  stop(): Promise<void>;
};

/** A clock that is later than this (a sleeping host) skips the missed ticks; otherwise it catches up. */
const mostLateMs = 2000;
/** At unlimited speed the sockets get a turn at least this often. */
const turnMs = 5;

/**
 * Ticks every `tickMs / speed` of real time, numbered by times that are `tickMs` apart; from the wall clock on where `startMs` is
 * null, and then following it again after a pause. `speed` Infinity does not wait for time at all.
 */
export function createTickClock(options: { tickMs: number; speed: number; startMs: number | null }): TickClock {
  const { tickMs, speed } = options;
  const stepMs = tickMs / speed;
  let running = false;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let loop: Promise<void> = Promise.resolve();
  let atMs = 0;
  let due = 0;

  function rebase(): void {
    due = performance.now();
    if (options.startMs === null) atMs = Math.max(atMs, Date.now());
  }

  function run(onTick: (atMs: number) => unknown): void {
    if (!running) return;
    if (performance.now() - due > Math.max(mostLateMs, 2 * stepMs)) rebase();
    while (running && due <= performance.now()) {
      onTick(Math.round(atMs));
      atMs += tickMs;
      due += stepMs;
    }
    timer = setTimeout(run, Math.max(0, due - performance.now()), onTick);
  }

  async function runFlatOut(onTick: (atMs: number) => Promise<void> | null): Promise<void> {
    let turn = performance.now();
    while (running) {
      const pressure = onTick(Math.round(atMs));
      atMs += tickMs;
      if (pressure !== null) await pressure;
      else if (performance.now() - turn < turnMs) continue;
      else await nextTurn();
      turn = performance.now();
    }
  }

  return {
    start(onTick) {
      if (running) return;
      running = true;
      atMs = options.startMs ?? Date.now();
      due = performance.now();
      if (speed === Number.POSITIVE_INFINITY) loop = runFlatOut(onTick);
      else run(onTick);
    },
    async stop() {
      running = false;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      // A flat-out loop may be waiting for a reader that never reads; the exchange closes it after us, so do not wait here.
      void loop;
    },
  };
}
