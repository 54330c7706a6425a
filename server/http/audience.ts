import type { ServerWebSocket } from "bun";
import type { Log } from "../log.ts";

/** What may wait for one client, in bytes, or two messages if those are longer; beyond it the client is dropped. */
export const maxBufferedBytes = 1024 * 1024;

export type Client = Pick<ServerWebSocket<unknown>, "getBufferedAmount" | "send" | "subscribe" | "close" | "terminate">;

/** Those who listen to live messages. Nobody is waited for. */
export type Audience = {
  readonly clients: ReadonlySet<Client>;
  /** Lets a client in, or tells it to come back later where there are too many. */
  enter(client: Client, topic: string): boolean;
  leave(client: Client): void;
  /** Ends the connection of those for whom more waits than `limitBytes`; returns them. */
  dropSlow(limitBytes: number): readonly Client[];
  /** Says goodbye to everybody. */
  dismiss(): void;
  /** How many were dropped since the start. */
  dropped(): number;
};

/** `name` is what a client is called in the log and in the refusal. */
export function createAudience(options: { name: string; most: number }, deps: { log: Log }): Audience {
  const clients = new Set<Client>();
  let dropped = 0;
  return {
    clients,
    enter(client, topic) {
      if (clients.size >= options.most) {
        client.close(1013, `too many ${options.name}s`);
        return false;
      }
      clients.add(client);
      client.subscribe(topic);
      return true;
    },
    leave: (client) => void clients.delete(client),
    dropSlow(limitBytes) {
      const slow = [...clients].filter((client) => client.getBufferedAmount() > limitBytes);
      dropped += slow.length;
      for (const client of slow) {
        const buffered_bytes = client.getBufferedAmount();
        deps.log.info(`dropped a ${options.name} that does not keep up`, { buffered_bytes });
        clients.delete(client);
        client.terminate();
      }
      return slow;
    },
    dismiss() {
      for (const client of [...clients]) {
        clients.delete(client);
        client.close(1001, "the recorder is stopping");
      }
    },
    dropped: () => dropped,
  };
}
