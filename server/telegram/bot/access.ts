import type { Log } from "../../platform/log/log.ts";

/** Limits the questions of each chat. */
export type Allowance = {
  /** Uses up a question of a chat; "first_refusal" if the allowance has just run out. */
  acquire(chat: number): "granted" | "first_refusal" | "refused";
};

/** Creates the limit: `burst` questions at once, then a question every `everyMs`. Only listed chats are counted, so memory is bounded. */
export function createAllowance(options: {
  readonly burst: number;
  readonly everyMs: number;
  readonly nowMs?: () => number;
}): Allowance {
  const { burst, everyMs, nowMs = () => performance.now() } = options;
  const allowances = new Map<number, { questions: number; atMs: number; isNotified: boolean }>();
  return {
    acquire(chat) {
      const now = nowMs();
      const known = allowances.get(chat) ?? { questions: burst, atMs: now, isNotified: false };
      known.questions = Math.min(burst, known.questions + (now - known.atMs) / everyMs);
      known.atMs = now;
      allowances.set(chat, known);
      if (known.questions >= 1) {
        known.questions--;
        known.isNotified = false;
        return "granted";
      }
      if (known.isNotified) return "refused";
      known.isNotified = true;
      return "first_refusal";
    },
  };
}

/** Counts messages from unlisted chats, which get no answer. */
export type Strangers = {
  record(chat: number, title: string): void;
  count(): number;
};

/** Shortest time between two log lines about a stranger, ms, and the upper bound for remembered strangers. */
const everyMs = 3_600_000;
const mostKnown = 100;

/** Logs each stranger at most once an hour, with the id to list. */
export function createStrangers(deps: { readonly log: Log; readonly nowMs?: () => number }): Strangers {
  const { log, nowMs = () => performance.now() } = deps;
  const toldMs = new Map<number, number>();
  let count = 0;
  return {
    record(chat, title) {
      count++;
      const before = toldMs.get(chat);
      const now = nowMs();
      if (before !== undefined && now - before < everyMs) return;
      // Among very many strangers, only the first of each hour are logged.
      for (const [known, at] of toldMs) if (now - at >= everyMs) toldMs.delete(known);
      if (toldMs.size >= mostKnown) return;
      toldMs.set(chat, now);
      log.warn("a chat that is not listed in telegram.chats wrote to the bot; it got no answer", {
        chat,
        name: title,
      });
    },
    count: () => count,
  };
}
