import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { normalPassword } from "../../platform/password-hash.ts";

export type PasswordVerdict = "right" | "wrong" | "busy";

/** Whether a text is the password; "busy" where too many are being looked at already. */
export type PasswordCheck = {
  /** At once if the password is known by now: then a text is right or it is not. Else as `verify`. */
  judge(password: string): PasswordVerdict | Promise<PasswordVerdict>;
  /** Quick, and knows only a password that has been found right before: false may still turn out to be right. */
  isKnown(password: string): boolean;
  /** Takes a fraction of a second in a thread of its own, one after the other. */
  verify(password: string): Promise<PasswordVerdict>;
};

/** After a wrong one the processor has so long to itself, ms: a storm of guesses takes a fifth of a core at most, not a whole one. */
const restMs = 150;
/** Texts that may wait. Each check has memory of its own, so that they are made one after the other. */
const mostWaiting = 16;

/** What stands in for argon2 and for the clock in tests. */
export type PasswordCheckDeps = {
  readonly verifyHash?: (password: string, hash: string) => Promise<boolean>;
  readonly sleep?: (ms: number) => Promise<void>;
};

/** `hash` is argon2id. */
export function createPasswordCheck(hash: string, deps: PasswordCheckDeps = {}): PasswordCheck {
  const { verifyHash = Bun.password.verify, sleep = Bun.sleep } = deps;
  const key = randomBytes(32);
  let right: Buffer | null = null;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  const markOf = (password: string) => createHmac("sha256", key).update(password).digest();

  const isKnown = (password: string) => right !== null && timingSafeEqual(right, markOf(normalPassword(password)));

  const check: PasswordCheck = {
    isKnown,
    judge(password) {
      if (right === null) return check.verify(password);
      return isKnown(password) ? "right" : "wrong";
    },
    async verify(password) {
      if (waiting >= mostWaiting) return "busy";
      waiting++;
      const text = normalPassword(password);
      const verified = last.then(() => verifyHash(text, hash));
      last = verified.catch(() => false).then((isRight) => (isRight ? undefined : sleep(restMs)));
      try {
        const isRight = await verified;
        if (isRight) right = markOf(text);
        return isRight ? "right" : "wrong";
      } finally {
        waiting--;
      }
    },
  };
  return check;
}
