import { drainMicrotasks } from "bun:jsc";
import type { Holder } from "../disk/files.ts";
import { useMachine } from "./globals.ts";
import type { Entry, Scheduler } from "./scheduler.ts";

/** A process of the program, from its start to its end; afterwards no code of it runs. */
export type Life = Holder & {
  readonly number: number;
  readonly startedMs: number;
  setTimer(run: () => void, ms: number, repeats: boolean): object;
  clearTimer(timer: object): void;
  /** Ends it at once, in the middle of its work. */
  kill(): void;
  /** No code of it runs before then. */
  sleepUntil(ms: number): void;
  asleepUntilMs(): number;
  /** When it ended, true ms; null while it runs. */
  endedMs(): number | null;
  /** Steps that touched a file or the catalogue so far. */
  steps(): number;
};

/** The signal by which a killed process leaves the turn that it is in. */
export class Killed extends Error {
  override readonly name = "Killed";
}

type Timer = { entry: Entry | null; readonly ms: number; readonly repeats: boolean } & Record<string | symbol, unknown>;

/** `onStep` may kill the life, before the step is taken. */
export function createLife(
  number: number,
  scheduler: Scheduler,
  onStep: (operation: string, path: string) => void,
  block: (ms: number) => void,
): Life {
  const startedMs = scheduler.nowMs();
  let endedMs: number | null = null;
  let steps = 0;
  let asleepUntilMs = 0;

  function later(ms: number, run: () => void): void {
    scheduler.after(ms, () => awake(run));
  }

  /** Timers that are due while the machine sleeps are late. */
  function awake(run: () => void): void {
    if (endedMs !== null) return;
    if (scheduler.nowMs() < asleepUntilMs) scheduler.at(asleepUntilMs, () => awake(run));
    else run();
  }

  function arm(timer: Timer, run: () => void): void {
    const due = (): void => {
      if (endedMs !== null) return;
      if (scheduler.nowMs() < asleepUntilMs) {
        timer.entry = scheduler.at(asleepUntilMs, due);
        return;
      }
      timer.entry = null;
      if (timer.repeats) arm(timer, run);
      run();
    };
    timer.entry = scheduler.after(timer.ms, due);
  }

  return {
    number,
    startedMs,
    step(operation, path) {
      if (endedMs !== null) throw new Killed();
      steps++;
      onStep(operation, path);
      if (endedMs !== null) throw new Killed();
    },
    isDead: () => endedMs !== null,
    later,
    block,
    setTimer(run, ms, repeats) {
      const timer: Timer = { entry: null, ms, repeats };
      timer.unref = () => timer;
      timer.ref = () => timer;
      timer.hasRef = () => true;
      if (endedMs === null) arm(timer, run);
      return timer;
    },
    clearTimer(timer) {
      const { entry } = timer as Timer;
      if (entry !== null && entry !== undefined) scheduler.cancel(entry);
      (timer as Timer).entry = null;
    },
    sleepUntil(ms) {
      asleepUntilMs = ms;
    },
    asleepUntilMs: () => asleepUntilMs,
    kill() {
      endedMs ??= scheduler.nowMs();
    },
    endedMs: () => endedMs,
    steps: () => steps,
  };
}

/** Runs one turn: the due entries, then all microtasks that follow. */
export function takeTurn(run: () => void, onError: (error: unknown) => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Killed)) onError(error);
  }
  drainMicrotasks();
}

/** Leaves the real machine in charge. */
export function leaveMachine(): void {
  drainMicrotasks();
  useMachine(null);
}
