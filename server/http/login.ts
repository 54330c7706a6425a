import type { Log } from "../log.ts";
import { longestPassword } from "../password.ts";
import { createLoginLimit } from "./login-limit.ts";
import { createPasswordCheck, type PasswordCheckDeps } from "./password-check.ts";

/** What trying a password came to. */
export type LoginResult =
  | { readonly kind: "right" }
  | { readonly kind: "wrong"; readonly waitMs: number }
  | { readonly kind: "wait"; readonly waitMs: number }
  | { readonly kind: "busy" };

/** The one way in which a password is tried, whatever it comes in. */
export type Login = {
  /** `isMachine`: comes with each request, so that a right one is known again without work. */
  attempt(address: string, password: string, isMachine: boolean): Promise<LoginResult> | LoginResult;
};

type Deps = PasswordCheckDeps & { readonly nowMs: () => number; readonly log: Log };

/** `passwordHash` is argon2id. Failures are logged by address, as often as the limit lets them happen; nothing else of them is. */
export function createLogin(passwordHash: string, deps: Deps): Login {
  const limit = createLoginLimit(deps.nowMs);
  const check = createPasswordCheck(passwordHash, deps);
  /** Those being looked at, by what is tried: who tries the same meanwhile learns the same, and it is one try. */
  const pending = new Map<string, Promise<LoginResult>>();
  let refused = 0;

  function wait(waitMs: number): LoginResult {
    refused++;
    return { kind: "wait", waitMs };
  }

  async function verify(address: string, password: string): Promise<LoginResult> {
    const turn = limit.begin(address);
    if (!turn.ok) return wait(turn.waitMs);
    const result = await check.verify(password);
    if (result === "busy") {
      turn.attempt.cancel();
      return { kind: "busy" };
    }
    if (result === "right") {
      turn.attempt.succeed();
      return { kind: "right" };
    }
    deps.log.warn("a login failed", { address, in_a_row: turn.attempt.failures, refused_before: refused });
    refused = 0;
    return { kind: "wrong", waitMs: limit.waitMs(address) };
  }

  return {
    attempt(address, password, isMachine) {
      // Before anything else: whoever has to wait learns nothing about what was guessed.
      const waitMs = limit.waitMs(address);
      if (waitMs > 0) return wait(waitMs);
      if (isMachine && check.isKnown(password)) return { kind: "right" };
      const tried = password.slice(0, longestPassword);
      const joined = pending.get(tried);
      if (joined !== undefined) return joined;
      const verifying = verify(address, tried).finally(() => pending.delete(tried));
      pending.set(tried, verifying);
      return verifying;
    },
  };
}
