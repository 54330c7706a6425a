import { expect, test } from "bun:test";
import {
  createDeadline,
  isDoneWithin,
  Late,
  pause,
  unlessAborted,
  within,
} from "../../../server/platform/time/deadline.ts";

const never = new Promise<never>(() => {});
const day = 86_400_000;

/** Counts the timers and listeners that `run` leaves behind. */
async function leftBehind(run: (signal: AbortSignal) => Promise<unknown>, stop = new AbortController()) {
  const { signal } = stop;
  const real = { set: globalThis.setTimeout, clear: globalThis.clearTimeout };
  const timers = new Set<unknown>();
  const listeners = new Set<unknown>();
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  Object.assign(globalThis, {
    setTimeout: (work: (...given: unknown[]) => void, ms: number, ...given: unknown[]) => {
      const timer = real.set(() => {
        timers.delete(timer);
        work(...given);
      }, ms);
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: ReturnType<typeof setTimeout> | undefined) => {
      timers.delete(timer);
      real.clear(timer);
    },
  });
  Object.assign(signal, {
    addEventListener: (name: string, listener: () => void, options?: AddEventListenerOptions) => {
      listeners.add(listener);
      add(name, listener, options);
    },
    removeEventListener: (name: string, listener: () => void) => {
      listeners.delete(listener);
      remove(name, listener);
    },
  });
  try {
    await run(signal).catch(() => {});
  } finally {
    Object.assign(globalThis, { setTimeout: real.set, clearTimeout: real.clear });
  }
  return { timers: timers.size, listeners: listeners.size };
}

test("work that ends in time settles as it would alone", async () => {
  expect(await within(Promise.resolve(5), { what: "no answer", ms: day })).toBe(5);
  expect(await within(Promise.resolve(5), { what: "no answer", ms: Number.POSITIVE_INFINITY })).toBe(5);
  await expect(within(Promise.reject(new Error("refused")), { what: "no answer", ms: day })).rejects.toThrow("refused");
  expect(await isDoneWithin(Promise.resolve(), day)).toBe(true);
  await expect(isDoneWithin(Promise.reject(new Error("refused")), day)).rejects.toThrow("refused");
});

test("work that takes too long is left, and the error names it", async () => {
  const error = await within(never, { what: "the store did not answer", ms: 20 }).catch((late: unknown) => late);
  expect(error).toBeInstanceOf(Late);
  expect(error).toMatchObject({ name: "TimeoutError", message: "the store did not answer within 0.02 s" });
  expect(await isDoneWithin(never, 5)).toBe(false);
});

test("a signal ends the wait with its own reason, also if it was aborted before", async () => {
  const stop = new AbortController();
  const waits = [
    within(never, { what: "no answer", ms: day, signal: stop.signal }),
    unlessAborted(never, stop.signal),
    pause(day, stop.signal).then(() => Promise.reject(stop.signal.reason)),
  ];
  stop.abort(new Error("the recorder is stopping"));
  waits.push(within(never, { what: "no answer", ms: day, signal: stop.signal }), unlessAborted(never, stop.signal));
  const reason = { message: "the recorder is stopping" };
  const expected = Array.from(waits, () =>
    expect.objectContaining({ status: "rejected", reason: expect.objectContaining(reason) }),
  );
  expect(await Promise.allSettled(waits)).toEqual(expected);
});

test("work that fails after its deadline causes no unhandled rejection", async () => {
  const { promise, reject } = Promise.withResolvers<never>();
  expect(await isDoneWithin(promise, 1)).toBe(false);
  reject(new Error("too late to matter"));
  await Bun.sleep(0);
});

test("neither timers nor listeners are left, however the wait ends", async () => {
  const none = { timers: 0, listeners: 0 };
  const limits = (signal: AbortSignal, ms = day) => ({ what: "no answer", ms, signal });
  expect(await leftBehind((signal) => within(Promise.resolve(), limits(signal)))).toEqual(none);
  expect(await leftBehind((signal) => within(Promise.reject(new Error()), limits(signal)))).toEqual(none);
  expect(await leftBehind((signal) => within(never, limits(signal, 1)))).toEqual(none);
  expect(await leftBehind((signal) => unlessAborted(Promise.resolve(), signal))).toEqual(none);
  expect(await leftBehind((signal) => pause(1, signal))).toEqual(none);
  const stop = new AbortController();
  const stopped = leftBehind((signal) => within(never, limits(signal)), stop);
  stop.abort();
  expect(await stopped).toEqual(none);
});

test("a restarted deadline begins again; a stopped one only obeys the outer signal", async () => {
  const outer = new AbortController();
  const deadline = createDeadline({ what: "no piece", ms: 5, signal: outer.signal });
  deadline.stop();
  const restarted = new Promise<void>((resolve) => deadline.signal.addEventListener("abort", () => resolve()));
  deadline.restart();
  await restarted;
  expect(deadline.signal.reason).toBeInstanceOf(Late);
  const stopped = createDeadline({ what: "no piece", ms: 1, signal: outer.signal });
  stopped.stop();
  await Bun.sleep(5);
  expect(stopped.signal.aborted).toBe(false);
  outer.abort(new Error("over"));
  expect(stopped.signal.reason).toMatchObject({ message: "over" });
});
