/** Something took longer than its deadline. The message names it. `name` is the same as with `AbortSignal.timeout`. */
export class Late extends Error {
  override readonly name = "TimeoutError";
}

export type WaitLimits = {
  /** Completes the sentence "… within 10 s" of the error: "no answer", "the archive was not written". */
  readonly what: string;
  /** ms; Infinity: no deadline. */
  readonly ms: number;
  /** Aborts earlier, with its own reason. */
  readonly signal?: AbortSignal | null | undefined;
};

/** A deadline for work that a signal can abort. */
export type Deadline = {
  /** Aborted with a `Late` at the deadline, or with the reason of the outer signal. */
  readonly signal: AbortSignal;
  /** Begins the time again. */
  restart(): void;
  /** Ends the time; the outer signal still aborts. */
  stop(): void;
  abort(reason: Error): void;
  /** Removes the timer and the listener. Call it when the work has ended. Idempotent. */
  clear(): void;
};

/** The longest time a timer can wait, ms. */
const longestTimerMs = 2 ** 31 - 1;

/** Creates a deadline; its time begins now. */
export function createDeadline({ what, ms, signal: outer }: WaitLimits): Deadline {
  const controller = new AbortController();
  const abort = (reason: unknown) => controller.abort(reason);
  const onOuterAbort = () => abort(outer?.reason);
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => clearTimeout(timer);

  function clear(): void {
    stop();
    outer?.removeEventListener("abort", onOuterAbort);
  }

  function restart(): void {
    stop();
    if (ms <= longestTimerMs) timer = setTimeout(() => abort(new Late(`${what} within ${ms / 1000} s`)), ms);
  }

  if (outer?.aborted) onOuterAbort();
  else {
    outer?.addEventListener("abort", onOuterAbort);
    restart();
  }
  return { signal: controller.signal, restart, stop, abort, clear };
}

/**
 * Settles as `work` does, unless the limits end first. The work is not ended, and its late failure is ignored.
 *
 * @throws Late at the deadline; the reason of the signal if it aborts.
 */
export async function within<T>(work: Promise<T>, limits: WaitLimits): Promise<T> {
  const deadline = createDeadline(limits);
  try {
    return await unlessAborted(work, deadline.signal);
  } finally {
    deadline.clear();
  }
}

/** Waits for `work`, at most `ms`. Returns false if it has not ended by then. Rejects if the work fails before. */
export async function isDoneWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  try {
    await within(work, { what: "not done", ms });
    return true;
  } catch (error) {
    if (error instanceof Late) return false;
    throw error;
  }
}

/** Settles as `work` does, or rejects with the signal's reason when it aborts. Leaves no listener behind. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Resolves after `ms`, or when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const deadline = createDeadline({ what: "the pause", ms, signal });
  await aborted(deadline.signal);
  deadline.clear();
}
