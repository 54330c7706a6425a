import type { ServerWebSocket } from "bun";
import type { Log } from "../../platform/log/log.ts";

/** Upper bound for unsent bytes per client, or two messages if those are longer. A slower client is dropped. */
export const maxBufferedBytes = 1024 * 1024;

/** Upper bound for clients per address: enough for a household or an office. Programs on this machine have no such bound. */
const mostPerAddress = 32;

/** The part of a principal that subscribers need. */
export type Listener = {
  readonly address: string;
  readonly isLocal: boolean;
  readonly session: string | null;
  readonly token: string | null;
};

export type LiveClient = Pick<
  ServerWebSocket<unknown>,
  "getBufferedAmount" | "send" | "subscribe" | "close" | "terminate"
>;

/** The clients that receive live messages. A slow client never delays the others. */
export type Subscribers = {
  size(): number;
  /** Adds a client; false and a close with code 1013 if there are too many. */
  enter(client: LiveClient, topic: string, listener: Listener): boolean;
  leave(client: LiveClient): void;
  /** Drops and returns the clients with more than `limitBytes` unsent bytes. */
  dropSlow(limitBytes: number): readonly LiveClient[];
  /** Closes the connections of a session or a token that has ended. */
  endSession(id: string): void;
  /** Tells whether a client of this token is connected. */
  hasToken(id: string): boolean;
  /** Closes all connections because the recorder stops. */
  dismiss(): void;
  /** Number of clients dropped since the start. */
  dropped(): number;
};

/** Keeps at most `most` clients. `name` is the word for a client in the log and in the refusal. */
export function createSubscribers(options: { name: string; most: number }, deps: { log: Log }): Subscribers {
  const clients = new Map<LiveClient, Listener>();
  let dropped = 0;

  function isFull({ address, isLocal }: Listener): boolean {
    if (clients.size >= options.most) return true;
    if (isLocal) return false;
    return [...clients.values()].filter((client) => client.address === address).length >= mostPerAddress;
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
        deps.log.info(`dropped a ${options.name} that reads too slowly`, { buffered_bytes });
        clients.delete(client);
        client.terminate();
      }
      return slow;
    },
    endSession(id) {
      for (const [client, { session, token }] of clients)
        if (session === id || token === id) client.close(4401, "logged_out");
    },
    hasToken: (id) => [...clients.values()].some(({ token }) => token === id),
    dismiss() {
      for (const client of [...clients.keys()]) {
        clients.delete(client);
        client.close(1001, "the recorder is stopping");
      }
    },
    dropped: () => dropped,
  };
}
