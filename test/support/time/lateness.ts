/**
 * Measures how late this machine runs timers, for bounds that hold on a busy machine as well: `worstMs` is the longest delay of a 20 ms
 * timer since the start.
 */
export function watchLateness(): { worstMs(): number; stop(): void } {
  const everyMs = 20;
  let lastMs = performance.now();
  let worstMs = 0;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    worstMs = Math.max(worstMs, nowMs - lastMs - everyMs);
    lastMs = nowMs;
  }, everyMs);
  return { worstMs: () => worstMs, stop: () => clearInterval(timer) };
}
