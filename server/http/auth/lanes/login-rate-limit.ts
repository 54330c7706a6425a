import { createBoundedMap } from "./bounded-map.ts";

/** Room for a try, or how long there is none. */
export type Begun =
  | { readonly ok: true; readonly attempt: LoginAttempt }
  | { readonly ok: false; readonly waitMs: number };

/** A try under way. It counts as failed until it is said to be otherwise, so that many at once are no way round the limit. */
export type LoginAttempt = {
  succeed(): void;
  /** It was not looked at: it does not count. */
  cancel(): void;
  /** How many have failed in a row under this key, this one included. */
  readonly failures: number;
};

/** Slows down whoever guesses passwords, each by a key: a network or a device. */
export type LoginRateLimit = {
  /** How long this key has to wait, ms; 0 where it may try now. */
  waitMs(key: string): number;
  begin(key: string): Begun;
};

/** So many may fail before a key has to wait; then 1 s, 2 s, 4 s … */
const freeFailures = 5;
const firstWaitMs = 1000;
const longestWaitMs = 15 * 60_000;
/** A key that has not been tried for so long begins again. */
const forgottenAfterMs = 24 * 60 * 60_000;

type Entry = { failures: number; lastMs: number; untilMs: number };

/** Each wrong guess costs its key more time than the last. `most` keys are remembered. `nowMs` never runs back. */
export function createLoginRateLimit(nowMs: () => number, most: number): LoginRateLimit {
  const entries = createBoundedMap<Entry>(most);
  const waitMs = (key: string) => Math.max(0, (entries.get(key)?.untilMs ?? 0) - nowMs());

  return {
    waitMs,
    begin(key) {
      const wait = waitMs(key);
      if (wait > 0) return { ok: false, waitMs: wait };
      const before = entries.get(key);
      const now = nowMs();
      const failures = (before !== undefined && now - before.lastMs < forgottenAfterMs ? before.failures : 0) + 1;
      const delay = failures < freeFailures ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - freeFailures));
      const entry = { failures, lastMs: now, untilMs: now + delay };
      entries.put(key, entry);
      const attempt: LoginAttempt = {
        failures,
        succeed: () => entries.delete(key),
        cancel() {
          if (entries.get(key) !== entry) return;
          if (before === undefined) entries.delete(key);
          else entries.put(key, before);
        },
      };
      return { ok: true, attempt };
    },
  };
}
