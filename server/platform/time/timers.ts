/** Runs a function once after `ms`. Returns a function that cancels it. Tests with their own time replace it. */
export type After = (ms: number, run: () => void) => () => void;

/** The system's timers. */
export const after: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Resolves when all other waiting work has had a turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A turn of a long job, which yields to other work now and then. */
export type Turn = {
  /** Lets other work run, if this turn has lasted long enough. */
  giveWay(): Promise<void>;
  /** Restarts the turn, because other work has just run. */
  begin(): void;
};

/** Creates a turn that yields after `maxMs` ms at the earliest. */
export function createTurn(maxMs: number): Turn {
  let beganMs = performance.now();
  const begin = () => {
    beganMs = performance.now();
  };
  return {
    begin,
    async giveWay() {
      if (performance.now() - beganMs < maxMs) return;
      await nextTurn();
      begin();
    },
  };
}

/** A wait that can be interrupted. */
export type Nap = {
  /** Resolves after `ms` (never, if Infinity) or when woken. */
  sleep(ms: number): Promise<void>;
  /** Resolves with the promise or when woken. */
  until(promise: Promise<void>): Promise<void>;
  wake(): void;
};

/** Creates a nap for one sleeper at a time. A finished nap leaves no timer behind. */
export function createNap(): Nap {
  let rouse: (() => void) | null = null;

  return {
    sleep(ms) {
      return new Promise((resolve) => {
        const timer = ms === Number.POSITIVE_INFINITY ? null : setTimeout(done, Math.min(ms, 2 ** 31 - 1));
        rouse = done;
        function done(): void {
          if (timer !== null) clearTimeout(timer);
          rouse = null;
          resolve();
        }
      });
    },
    until(promise) {
      return new Promise((resolve) => {
        rouse = resolve;
        void promise.then(resolve);
      });
    },
    wake: () => rouse?.(),
  };
}
