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
