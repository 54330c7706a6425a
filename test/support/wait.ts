/**
 * Resolves once `condition` holds; rejects, naming `what` was waited for, after `timeoutMs`. Asks every 5 ms, after half a second every
 * 25 ms: the question may be a request to a program that has to answer it.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - began;
    if (waitedMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await Bun.sleep(Math.min(25, Math.max(5, waitedMs / 20)));
  }
}
