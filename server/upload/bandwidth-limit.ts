/** Keeps a stream of bytes below a rate. */
export type BandwidthLimit = {
  /** Resolves when so many bytes may pass; at once where there is no limit. */
  take(bytes: number): Promise<void>;
};

/** What may pass at once after a pause, s of the rate: so little that any second is near the limit. */
const burstSeconds = 0.1;

/** A pacer for `mbps` megabits (10^6 bits) a second over all that is taken from it; 0 is no limit. */
export function createBandwidthLimit(mbps: number, nowMs: () => number = () => performance.now()): BandwidthLimit {
  const bytesPerMs = mbps * 125;
  /** When all that was taken has passed at the limit. */
  let doneMs = 0;
  return {
    async take(bytes) {
      if (mbps === 0) return;
      const now = nowMs();
      doneMs = Math.max(doneMs, now - burstSeconds * 1000) + bytes / bytesPerMs;
      if (doneMs > now) await Bun.sleep(doneMs - now);
    },
  };
}
