import type { Log } from "../log.ts";

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
