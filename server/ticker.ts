/** Something to do every so many whole seconds. */
export type Recurring = readonly [everySeconds: number, run: (nowUs: number) => void];

/** One timer for everything that recurs by the second: each wake-up costs, however little is done in it. */
export type Ticker = {
  start(): void;
  /** Idempotent. */
  stop(): void;
};

/** Runs each of `work` in its order. */
export function createTicker(nowUs: () => number, work: readonly Recurring[]): Ticker {
  let timer: ReturnType<typeof setInterval> | null = null;
  let seconds = 0;
  return {
    start() {
      timer ??= setInterval(() => {
        seconds++;
        const now = nowUs();
        for (const [every, run] of work) if (seconds % every === 0) run(now);
      }, 1000);
    },
    stop() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}
