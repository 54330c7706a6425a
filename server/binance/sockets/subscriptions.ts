import type { After } from "../../platform/time/timers.ts";

/** The SUBSCRIBE and UNSUBSCRIBE messages of one connection, sent no faster than is allowed. */
export type Subscriptions = {
  /** Nothing is sent before; what was asked for earlier follows then. */
  open(): void;
  subscribe(names: readonly string[]): void;
  unsubscribe(names: readonly string[]): void;
  /** The names of the SUBSCRIBE that this reply answers; none for any other. */
  confirm(replyId: number): readonly string[];
  close(): void;
};

/** Binance allows 5 messages a second from us, pongs included. */
const everyMs = 300;

/** Longest list of names in an URL or a message, characters: longer ones have been ignored without a word. */
const longestList = 4000;

/** Messages leave through `send`, split where a list of names would be too long. */
export function createSubscriptions(deps: { send: (text: string) => void; after: After }): Subscriptions {
  const queue: { method: "SUBSCRIBE" | "UNSUBSCRIBE"; names: readonly string[] }[] = [];
  const unanswered = new Map<number, readonly string[]>();
  let isOpen = false;
  let lastId = 0;
  let cancel: (() => void) | null = null;

  function push(method: "SUBSCRIBE" | "UNSUBSCRIBE", names: readonly string[]): void {
    for (const list of splitNames(names)) queue.push({ method, names: list });
    if (isOpen && cancel === null) sendNext();
  }

  function sendNext(): void {
    cancel = null;
    const next = queue.shift();
    if (next === undefined) return;
    const id = ++lastId;
    if (next.method === "SUBSCRIBE") unanswered.set(id, next.names);
    deps.send(JSON.stringify({ method: next.method, params: next.names, id }));
    cancel = deps.after(everyMs, sendNext);
  }

  return {
    open() {
      isOpen = true;
      sendNext();
    },
    subscribe: (names) => push("SUBSCRIBE", names),
    unsubscribe: (names) => push("UNSUBSCRIBE", names),
    confirm(replyId) {
      const names = unanswered.get(replyId) ?? [];
      unanswered.delete(replyId);
      return names;
    },
    close() {
      isOpen = false;
      cancel?.();
      queue.length = 0;
    },
  };
}

/** Lists that are each short enough, in order. */
export function splitNames(names: readonly string[]): readonly (readonly string[])[] {
  const lists: string[][] = [];
  let length = longestList;
  for (const name of names) {
    if (length + name.length + 3 > longestList) {
      lists.push([]);
      length = 0;
    }
    lists.at(-1)?.push(name);
    length += name.length + 3;
  }
  return lists;
}
