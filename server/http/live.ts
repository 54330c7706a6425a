import type { ServerWebSocket } from "bun";
import { Elysia } from "elysia";
import type { Log } from "../log.ts";
import { messageOf } from "../problem.ts";
import { errorBody } from "./errors.ts";
import type { Snapshot } from "./snapshot.ts";

/** `/ws/dashboard` and the clock behind it. */
export type Live = ReturnType<typeof createLive>;

type Client = Pick<ServerWebSocket<unknown>, "getBufferedAmount" | "send" | "subscribe" | "close" | "terminate">;

const topic = "dashboard";

/** Dashboards at once; more are told to come back later. */
const maxClients = 256;

/** What may wait for one client, in bytes, or two messages if those are longer; beyond it the client is dropped. */
export const maxBufferedBytes = 1024 * 1024;

/**
 * Compressing goes client by client on the main thread, at about 10 ms a megabyte: worth it for a phone, not for a wall of
 * dashboards, which get the text as it is once their sum is above this.
 */
const maxCompressedBytes = 1024 * 1024;

type LiveDeps = {
  snapshot: Snapshot;
  /** Sends a text to every subscriber of a topic. */
  publish: (topic: string, text: string, compress: boolean) => void;
  log: Log;
};

/**
 * Sends the status to every connected dashboard, once a tick and serialised once; the newest one at once to who connects.
 * The clock stands still while nobody is connected. Nobody is waited for.
 */
export function createLive(options: { tickMs: number }, deps: LiveDeps) {
  const clients = new Set<Client>();
  let timer: ReturnType<typeof setInterval> | null = null;

  function open(client: Client): void {
    if (clients.size >= maxClients) {
      client.close(1013, "too many dashboards");
      return;
    }
    clients.add(client);
    client.subscribe(topic);
    const text = attempt(() => deps.snapshot.text());
    if (text !== null) client.send(text, worthCompressing(text));
    timer ??= setInterval(tick, options.tickMs);
  }

  function close(client: Client): void {
    clients.delete(client);
    if (clients.size > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  function tick(): void {
    const text = attempt(() => {
      deps.snapshot.renew();
      return deps.snapshot.text();
    });
    if (text === null) return;
    dropSlow(Math.max(maxBufferedBytes, 2 * text.length));
    if (clients.size > 0) deps.publish(topic, text, worthCompressing(text));
  }

  function dropSlow(limit: number): void {
    for (const client of clients) {
      const buffered_bytes = client.getBufferedAmount();
      if (buffered_bytes <= limit) continue;
      deps.log.info("dropped a dashboard that does not keep up", { buffered_bytes });
      close(client);
      client.terminate();
    }
  }

  function worthCompressing(text: string): boolean {
    return text.length * clients.size <= maxCompressedBytes;
  }

  function attempt(read: () => string): string | null {
    try {
      return read();
    } catch (error) {
      deps.log.error("the status could not be read", { error: messageOf(error) });
      return null;
    }
  }

  const routes = new Elysia({ name: "live" })
    .get("/ws/dashboard", ({ status }) =>
      status(426, errorBody("upgrade_required", "This address speaks WebSocket only.")),
    )
    .ws("/ws/dashboard", {
      open: (socket) => open(socket.raw as unknown as Client),
      message() {},
      close: (socket) => close(socket.raw as unknown as Client),
    });

  return {
    routes,
    /** Says goodbye to everybody and stops the clock. */
    stop(): void {
      for (const client of [...clients]) {
        close(client);
        client.close(1001, "the recorder is stopping");
      }
    },
  };
}
