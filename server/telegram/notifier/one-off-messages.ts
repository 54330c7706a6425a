import type { Log } from "../../platform/log/log.ts";
import type { ChatMessage, SendOutcome, SendQueue } from "../api/send-queue.ts";

/** Something to be told once, apart from incidents. */
export type OneOffMessage = {
  /** What it is, for the log. */
  readonly name: string;
  readonly letter: ChatMessage;
  readonly picture: Uint8Array | null;
  /** Not worth telling any more after, µs. */
  readonly untilUs: number;
  /** It reached the chat. */
  readonly onSent?: (chat: number) => void;
};

/** What waits to be told to each chat, in order. */
export type OneOffMessages = {
  add(chat: number, post: OneOffMessage): void;
  next(chat: number, nowUs: number): OneOffMessage | null;
  /** Sends the next one of a chat; `to` is where the chat is reached. */
  send(chat: number, to: number, post: OneOffMessage, sender: SendQueue): Promise<SendOutcome>;
  waiting(chat: number): number;
};

/** Beyond so many for one chat the oldest is dropped. */
const mostPosts = 10;

/** Posts in memory. */
export function createOneOffMessages(log: Log): OneOffMessages {
  const queues = new Map<number, OneOffMessage[]>();

  function drop(chat: number, post: OneOffMessage, reason: string): void {
    queues.set(
      chat,
      (queues.get(chat) ?? []).filter((other) => other !== post),
    );
    log.warn("could not be told on Telegram", { what: post.name, chat, reason });
  }

  return {
    add(chat, post) {
      const queue = [...(queues.get(chat) ?? []), post];
      queues.set(chat, queue);
      const [oldest] = queue;
      if (queue.length > mostPosts && oldest !== undefined) drop(chat, oldest, "too much is waiting");
    },
    next(chat, nowUs) {
      for (const post of queues.get(chat) ?? []) {
        if (post.untilUs >= nowUs) return post;
        drop(chat, post, "it has become too old");
      }
      return null;
    },
    async send(chat, to, post, sender) {
      const { picture, letter } = post;
      let outcome = picture === null ? null : await sender.sendPhoto(to, picture, letter);
      // Where pictures are not taken, the words are.
      if (outcome === null || outcome.kind === "unacceptable" || outcome.kind === "refused")
        outcome = await sender.send(to, letter);
      if (outcome.kind === "done" || outcome.kind === "gone") {
        queues.set(
          chat,
          (queues.get(chat) ?? []).filter((other) => other !== post),
        );
        post.onSent?.(chat);
      } else if (outcome.kind === "unacceptable") drop(chat, post, outcome.problem);
      return outcome;
    },
    waiting: (chat) => queues.get(chat)?.length ?? 0,
  };
}
