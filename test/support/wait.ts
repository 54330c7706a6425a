/**
 * Resolves once `condition` holds; rejects, naming `what` was waited for, after `timeoutMs`. Asks every 5 ms, after half a second every
 * 25 ms: the question may be a request to a program that has to answer it. A condition that moves a clock of its own by one step a
 * question passes `everyMs`.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 20_000,
  everyMs?: number,
): Promise<void> {
  const began = performance.now();
  while (!(await condition())) {
    const waitedMs = performance.now() - began;
    if (waitedMs > timeoutMs) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await Bun.sleep(everyMs ?? Math.min(25, Math.max(5, waitedMs / 20)));
  }
}
