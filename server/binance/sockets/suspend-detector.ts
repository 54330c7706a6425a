/** Notices that nothing ran for a while: the machine slept, the process was stopped. */
export type SuspendDetector = {
  /** To be called again and again; how long nothing ran before this call, µs, or 0 if that was as usual. */
  look(): number;
  /** True if what broke off at `fromUs` may have done so because nothing ran. */
  explains(fromUs: number): boolean;
};

/** Nobody has looked for so much longer than usual, µs. */
const sleptUs = 3_000_000;

/** How long after a sleep its consequences show, µs. */
const aftermathUs = 60_000_000;

/** `look` is expected at least once a second. */
export function createSuspendDetector(nowUs: () => number): SuspendDetector {
  let lastLookUs = nowUs();
  let lastSleepUs: number | null = null;

  return {
    look() {
      const now = nowUs();
      const pauseUs = now - lastLookUs;
      lastLookUs = now;
      if (pauseUs <= sleptUs) return 0;
      lastSleepUs = now;
      return pauseUs;
    },
    explains(fromUs) {
      const now = nowUs();
      // What happens on waking may come before anybody looks.
      if (now - lastLookUs > sleptUs) return fromUs <= now;
      return lastSleepUs !== null && fromUs <= lastSleepUs && now - lastSleepUs < aftermathUs;
    },
  };
}
