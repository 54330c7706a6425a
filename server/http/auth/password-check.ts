import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { normalPassword } from "../../platform/password-hash.ts";

export type PasswordVerdict = "right" | "wrong" | "busy";

/** Checks passwords; "busy" if too many checks are waiting already. */
export type PasswordCheck = {
  /** Decides at once after the first right password, by a keyed hash. Before that it works like `verify`. */
  check(password: string): PasswordVerdict | Promise<PasswordVerdict>;
  /** True if the password has been verified before; fast. False may still be the right password. */
  isKnown(password: string): boolean;
  /** Runs argon2 in another thread for a fraction of a second, one check at a time. */
  verify(password: string): Promise<PasswordVerdict>;
};

/** Pause in ms after a wrong password. It limits a storm of guesses to a fifth of a core. */
const restMs = 150;
/** Upper bound for waiting checks. They run one at a time, because each check needs its own memory. */
const mostWaiting = 16;

/** Replacements for argon2 and the clock in tests. */
export type PasswordCheckDeps = {
  readonly verifyHash?: (password: string, hash: string) => Promise<boolean>;
  readonly sleep?: (ms: number) => Promise<void>;
};

/** Creates the check for an argon2id `hash`. */
export function createPasswordCheck(hash: string, deps: PasswordCheckDeps = {}): PasswordCheck {
  const { verifyHash = Bun.password.verify, sleep = Bun.sleep } = deps;
  const key = randomBytes(32);
  let right: Buffer | null = null;
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  const keyedHashOf = (password: string) => createHmac("sha256", key).update(password).digest();

  const isKnown = (password: string) => right !== null && timingSafeEqual(right, keyedHashOf(normalPassword(password)));

  const check: PasswordCheck = {
    isKnown,
    check(password) {
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
        if (isRight) right = keyedHashOf(text);
        return isRight ? "right" : "wrong";
      } finally {
        waiting--;
      }
    },
  };
  return check;
}
