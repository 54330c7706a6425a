/** Runs something once after `ms`; the function returned takes it back. Replaceable in tests that have a time of their own. */
export type After = (ms: number, run: () => void) => () => void;

/** The system's timers. */
export const after: After = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};
