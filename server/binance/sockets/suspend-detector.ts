/** Notices that nothing ran for a while: the machine slept, the process was stopped. */
export type SuspendDetector = {
  /** To be called again and again; how long nothing ran before this call, µs, or 0 if that was as usual. */
  look(): number;
  /** True if what broke off at `fromUs` may have done so because nothing ran. */
  explains(fromUs: number): boolean;
  /** True if the process stood still at `atUs` or until right before: receipts of that moment tell nothing of the order of sending. */
  stoodStill(atUs: number): boolean;
};

/** Nobody has looked for so much longer than usual, µs. */
const sleptUs = 3_000_000;

/** A pause between two looks that is longer than this is a standstill, µs: looks are at most a second apart. */
const standstillUs = 1_500_000;

/** What had piled up during a standstill is received within this time, µs. */
const catchingUpUs = 100_000;

/** How long after a sleep its consequences show, µs. */
const aftermathUs = 60_000_000;

/** `look` is expected at least once a second. */
export function createSuspendDetector(nowUs: () => number): SuspendDetector {
  let lastLookUs = nowUs();
  let lastSleepUs: number | null = null;
  let standstill = { fromUs: 0, toUs: 0 };

  return {
    look() {
      const now = nowUs();
      const pauseUs = now - lastLookUs;
      if (pauseUs > standstillUs) standstill = { fromUs: lastLookUs, toUs: now };
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
    stoodStill(atUs) {
      const now = nowUs();
      const { fromUs, toUs } = now - lastLookUs > standstillUs ? { fromUs: lastLookUs, toUs: now } : standstill;
      return atUs >= fromUs && atUs <= toUs + catchingUpUs;
    },
  };
}
