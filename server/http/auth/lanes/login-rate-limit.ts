import { backoff } from "../../../platform/time/backoff.ts";
import { createBoundedMap } from "./bounded-map.ts";

/** A started attempt, or the wait in ms until the next attempt. */
export type Begun =
  | { readonly ok: true; readonly attempt: LoginAttempt }
  | { readonly ok: false; readonly waitMs: number };

/** A running attempt. It counts as failed until `succeed` or `cancel`, so that parallel attempts cannot evade the limit. */
export type LoginAttempt = {
  succeed(): void;
  /** Takes the attempt back, because the password was not checked. */
  cancel(): void;
  /** Failures of this key in a row, including this attempt. */
  readonly failures: number;
};

/** Slows down password guessing per key: a network or a device. */
export type LoginRateLimit = {
  /** Returns the wait of this key in ms; 0 if it may try now. */
  waitMs(key: string): number;
  begin(key: string): Begun;
};

/** The waits, ms, begin with this failure in a row. */
const freeFailures = 5;
const waitsMs = { first: 1000, longest: 15 * 60_000 };
/** Failures of a key are forgotten after this time without an attempt, ms. */
const forgottenAfterMs = 24 * 60 * 60_000;

type Entry = { failures: number; lastMs: number; untilMs: number };

/** Creates the limit: waits double with each failure. At most `most` keys are remembered. `nowMs` must be monotonic. */
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
      const delay = failures < freeFailures ? 0 : backoff(waitsMs, failures - freeFailures);
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
