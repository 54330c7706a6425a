/** Limits the rate of a stream of bytes. */
export type BandwidthLimit = {
  /** Resolves when `bytes` more bytes may pass; at once without a limit. */
  acquire(bytes: number): Promise<void>;
};

/** Burst after a pause, in seconds of the rate. Small, so that no second exceeds the limit by much. */
const burstSeconds = 0.1;

/** Creates a limit of `mbps` megabits (10^6 bits) per second for all bytes together; 0 means no limit. */
export function createBandwidthLimit(mbps: number, nowMs: () => number = () => performance.now()): BandwidthLimit {
  const bytesPerMs = mbps * 125;
  /** When all bytes taken so far have passed at the limit, ms. */
  let doneMs = 0;
  return {
    async acquire(bytes) {
      if (mbps === 0) return;
      const now = nowMs();
      doneMs = Math.max(doneMs, now - burstSeconds * 1000) + bytes / bytesPerMs;
      if (doneMs > now) await Bun.sleep(doneMs - now);
    },
  };
}
