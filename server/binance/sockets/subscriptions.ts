import type { After } from "../../platform/time/timers.ts";

/** Sends the SUBSCRIBE and UNSUBSCRIBE messages of one connection, no faster than Binance allows. */
export type Subscriptions = {
  /** Starts sending. Earlier requests wait for this. */
  open(): void;
  subscribe(names: readonly string[]): void;
  unsubscribe(names: readonly string[]): void;
  /** Returns the names of the SUBSCRIBE message that this reply answers; empty for any other reply. */
  confirm(replyId: number): readonly string[];
  close(): void;
};

/**
 * Time between messages, ms. Binance documents 5 messages a second from a client, pongs included; measured on stream.binance.com, it closed
 * a socket with messages every 250 ms and held one with messages every 500 ms.
 */
const everyMs = 500;

/** Longest list of names in an URL or a message, characters. Binance has ignored longer lists without an error. */
const longestList = 4000;

/** Creates the sender. Messages leave through `send`; long lists of names are split. */
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

/** Encodes a name for an URL. Letters beyond ASCII become nine characters each, or more. */
export function encodeName(name: string): string {
  return encodeURIComponent(name).replaceAll("%40", "@");
}

/** Splits names into lists that are each short enough, in messages and in URLs; the order stays. */
export function splitNames(names: readonly string[]): readonly (readonly string[])[] {
  const lists: string[][] = [];
  let length = longestList;
  for (const name of names) {
    const characters = encodeName(name).length + 3;
    if (length + characters > longestList) {
      lists.push([]);
      length = 0;
    }
    lists.at(-1)?.push(name);
    length += characters;
  }
  return lists;
}
