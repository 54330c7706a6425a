import type { Log } from "../../platform/log/log.ts";
import type { ChatMessage, Sender, SendOutcome } from "../api/bot-api.ts";

/** A message that belongs to no incident and is sent once. */
export type OneOffMessage = {
  /** Name for the log. */
  readonly name: string;
  readonly letter: ChatMessage;
  readonly picture: Uint8Array | null;
  /** The message is dropped after this time, µs. */
  readonly untilUs: number;
  /** Called after the chat has received the message. */
  readonly onSent?: (chat: number) => void;
};

/** Queues one-off messages per chat, in order. */
export type OneOffMessages = {
  add(chat: number, post: OneOffMessage): void;
  next(chat: number, nowUs: number): OneOffMessage | null;
  /** Sends the next message of a chat; `to` is the current id of the chat. */
  send(chat: number, to: number, post: OneOffMessage, sender: Sender): Promise<SendOutcome>;
  waiting(chat: number): number;
};

/** Upper bound for queued messages per chat; beyond it the oldest is dropped. */
const mostPosts = 10;

/** Creates the queues. They are kept in memory only. */
export function createOneOffMessages(log: Log): OneOffMessages {
  const queues = new Map<number, OneOffMessage[]>();

  function drop(chat: number, post: OneOffMessage, reason: string): void {
    queues.set(
      chat,
      (queues.get(chat) ?? []).filter((queued) => queued !== post),
    );
    log.warn("cannot send a message on Telegram", { what: post.name, chat, reason });
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
      // If the picture is rejected, the text is sent alone.
      if (outcome === null || outcome.kind === "unacceptable" || outcome.kind === "refused")
        outcome = await sender.send(to, letter);
      if (outcome.kind === "done" || outcome.kind === "gone") {
        queues.set(
          chat,
          (queues.get(chat) ?? []).filter((queued) => queued !== post),
        );
        post.onSent?.(chat);
      } else if (outcome.kind === "unacceptable") drop(chat, post, outcome.problem);
      return outcome;
    },
    waiting: (chat) => queues.get(chat)?.length ?? 0,
  };
}
