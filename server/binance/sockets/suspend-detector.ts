/** Detects that the process did not run for a while: the machine was suspended or the process was stopped. */
export type SuspendDetector = {
  /** Call it at least once a second. Returns how long the process did not run before this call, µs; 0 if it ran as usual. */
  poll(): number;
  /** True if a gap that starts at `fromUs` may have been caused by a suspend. */
  explains(fromUs: number): boolean;
  /** True if the process stood still at `atUs` or right before: such receipts do not show the order of sending. */
  stoodStill(atUs: number): boolean;
};

/** A longer pause between two polls is a suspend, µs. */
const suspendUs = 3_000_000;

/** A longer pause between two polls is a standstill, µs: polls are at most a second apart. */
const standstillUs = 1_500_000;

/** Messages that had queued up during a standstill are received within this time, µs. */
const catchingUpUs = 100_000;

/** Gaps within this time after a suspend may be caused by it, µs. */
const aftermathUs = 60_000_000;

/** Creates the detector. `poll` is expected at least once a second. */
export function createSuspendDetector(nowUs: () => number): SuspendDetector {
  let lastPollUs = nowUs();
  let lastSuspendUs: number | null = null;
  let standstill = { fromUs: 0, toUs: 0 };

  return {
    poll() {
      const now = nowUs();
      const pauseUs = now - lastPollUs;
      if (pauseUs > standstillUs) standstill = { fromUs: lastPollUs, toUs: now };
      lastPollUs = now;
      if (pauseUs <= suspendUs) return 0;
      lastSuspendUs = now;
      return pauseUs;
    },
    explains(fromUs) {
      const now = nowUs();
      // Events right after waking may come before the next poll.
      if (now - lastPollUs > suspendUs) return fromUs <= now;
      return lastSuspendUs !== null && fromUs <= lastSuspendUs && now - lastSuspendUs < aftermathUs;
    },
    stoodStill(atUs) {
      const now = nowUs();
      const { fromUs, toUs } = now - lastPollUs > standstillUs ? { fromUs: lastPollUs, toUs: now } : standstill;
      return atUs >= fromUs && atUs <= toUs + catchingUpUs;
    },
  };
}
