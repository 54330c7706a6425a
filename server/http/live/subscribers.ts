import type { ServerWebSocket } from "bun";
import type { Log } from "../../platform/log/log.ts";

/** What may wait for one client, in bytes, or two messages if those are longer; beyond it the client is dropped. */
export const maxBufferedBytes = 1024 * 1024;

/** Clients of one address, unless they are of this machine; a household or an office behind one address fits in. */
const mostOfOne = 32;

/** What of somebody who has been let in matters to an audience. */
export type Listener = { readonly address: string; readonly isLocal: boolean; readonly session: string | null };

export type LiveClient = Pick<
  ServerWebSocket<unknown>,
  "getBufferedAmount" | "send" | "subscribe" | "close" | "terminate"
>;

/** Those who listen to live messages. Nobody is waited for. */
export type Subscribers = {
  size(): number;
  /** Lets a client in, or tells it to come back later where there are too many. */
  enter(client: LiveClient, topic: string, listener: Listener): boolean;
  leave(client: LiveClient): void;
  /** Ends the connection of those for whom more waits than `limitBytes`; returns them. */
  dropSlow(limitBytes: number): readonly LiveClient[];
  /** Ends what is open for a session that has ended. */
  endSession(session: string): void;
  /** Says goodbye to everybody. */
  dismiss(): void;
  /** How many were dropped since the start. */
  dropped(): number;
};

/** `name` is what a client is called in the log and in the refusal. */
export function createSubscribers(options: { name: string; most: number }, deps: { log: Log }): Subscribers {
  const clients = new Map<LiveClient, Listener>();
  let dropped = 0;

  function isFull({ address, isLocal }: Listener): boolean {
    if (clients.size >= options.most) return true;
    if (isLocal) return false;
    return [...clients.values()].filter((other) => other.address === address).length >= mostOfOne;
  }

  return {
    size: () => clients.size,
    enter(client, topic, listener) {
      if (isFull(listener)) {
        client.close(1013, `too many ${options.name}s`);
        return false;
      }
      clients.set(client, listener);
      client.subscribe(topic);
      return true;
    },
    leave: (client) => void clients.delete(client),
    dropSlow(limitBytes) {
      const slow = [...clients.keys()].filter((client) => client.getBufferedAmount() > limitBytes);
      dropped += slow.length;
      for (const client of slow) {
        const buffered_bytes = client.getBufferedAmount();
        deps.log.info(`dropped a ${options.name} that does not keep up`, { buffered_bytes });
        clients.delete(client);
        client.terminate();
      }
      return slow;
    },
    endSession(session) {
      for (const [client, listener] of clients) if (listener.session === session) client.close(4401, "logged_out");
    },
    dismiss() {
      for (const client of [...clients.keys()]) {
        clients.delete(client);
        client.close(1001, "the recorder is stopping");
      }
    },
    dropped: () => dropped,
  };
}
