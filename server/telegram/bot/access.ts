import type { Log } from "../../platform/log/log.ts";

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

/** Chats that are not listed: they get silence, and are counted. */
export type Strangers = {
  note(chat: number, title: string): void;
  count(): number;
};

/** A stranger is told of this often at most, ms, and so many of them are told apart. */
const everyMs = 3_600_000;
const mostKnown = 100;

/** Tells of each stranger once an hour, with the id that would have to be listed. */
export function createStrangers(deps: { readonly log: Log; readonly nowMs?: () => number }): Strangers {
  const { log, nowMs = () => performance.now() } = deps;
  const toldMs = new Map<number, number>();
  let count = 0;
  return {
    note(chat, title) {
      count++;
      const before = toldMs.get(chat);
      const now = nowMs();
      if (before !== undefined && now - before < everyMs) return;
      // Once there are very many of them, only the first ones of each hour are told of.
      for (const [known, at] of toldMs) if (now - at >= everyMs) toldMs.delete(known);
      if (toldMs.size >= mostKnown) return;
      toldMs.set(chat, now);
      log.warn("somebody who is not listed in telegram.chats wrote to the bot, and got no answer", {
        chat,
        name: title,
      });
    },
    count: () => count,
  };
}
