/** How much each chat may ask. */
export type Allowance = {
  /** Takes one question from a chat's allowance; "first_refusal" where it has just run out. */
  take(chat: number): "granted" | "first_refusal" | "refused";
};

/** `burst` questions at once, and one more every `everyMs`. Chats are those that are listed, so that there are few of them. */
export function createAllowance(options: {
  readonly burst: number;
  readonly everyMs: number;
  readonly nowMs?: () => number;
}): Allowance {
  const { burst, everyMs, nowMs = () => performance.now() } = options;
  const left = new Map<number, { questions: number; atMs: number; isTold: boolean }>();
  return {
    take(chat) {
      const now = nowMs();
      const known = left.get(chat) ?? { questions: burst, atMs: now, isTold: false };
      known.questions = Math.min(burst, known.questions + (now - known.atMs) / everyMs);
      known.atMs = now;
      left.set(chat, known);
      if (known.questions >= 1) {
        known.questions--;
        known.isTold = false;
        return "granted";
      }
      if (known.isTold) return "refused";
      known.isTold = true;
      return "first_refusal";
    },
  };
}
