/** Runs something once after `ms`; the function returned takes it back. Replaceable in tests that have a time of their own. */
export type After = (ms: number, run: () => void) => () => void;

/** The system's timers. */
export const after: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Resolves when all others that wait have had their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A long work that gives way now and then. */
export type Turn = {
  /** Lets others have theirs, if this one has lasted long enough. */
  giveWay(): Promise<void>;
  /** Others have just had theirs. */
  begin(): void;
};

/** A turn that gives way after so many ms, and not before. */
export function createTurn(mostMs: number): Turn {
  let beganMs = performance.now();
  const begin = () => {
    beganMs = performance.now();
  };
  return {
    begin,
    async giveWay() {
      if (performance.now() - beganMs < mostMs) return;
      await nextTurn();
      begin();
    },
  };
}

/** Waiting that one may be woken from. */
export type Nap = {
  /** Resolves after so many ms (never, if Infinity) or when woken. */
  sleep(ms: number): Promise<void>;
  /** Resolves with the promise, or when woken. */
  until(promise: Promise<void>): Promise<void>;
  wake(): void;
};

/** One sleeper at a time; nothing is left behind of a nap that is over. */
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
