import { Elysia } from "elysia";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { errorBody } from "../core/errors.ts";
import type { StatusCache } from "../core/status-cache.ts";
import { createSubscribers, type Listener, type LiveClient, maxBufferedBytes } from "./subscribers.ts";

/** `/ws/dashboard` and the clock behind it. */
export type LiveStatus = ReturnType<typeof createLiveStatus>;

const topic = "dashboard";

/** Dashboards at once; more are told to come back later. */
const maxClients = 256;

/**
 * Compressing goes client by client on the main thread, at about 10 ms a megabyte: worth it for a phone, not for a wall of
 * dashboards, which get the text as it is once their sum is above this.
 */
const maxCompressedBytes = 1024 * 1024;

type LiveDeps = {
  snapshot: StatusCache;
  /** Sends a text to every subscriber of a topic. */
  publish: (topic: string, text: string, compress: boolean) => void;
  /** Who sent a request. */
  listenerOf: (request: Request) => Listener;
  log: Log;
};

/**
 * Sends the status to every connected dashboard, once a tick and serialised once; the newest one at once to who connects.
 * The clock stands still while nobody is connected. Nobody is waited for.
 */
export function createLiveStatus(options: { tickMs: number }, deps: LiveDeps) {
  const audience = createSubscribers({ name: "dashboard", most: maxClients }, deps);
  let timer: ReturnType<typeof setInterval> | null = null;

  function open(client: LiveClient, request: Request): void {
    if (!audience.enter(client, topic, deps.listenerOf(request))) return;
    const text = attempt(() => deps.snapshot.text());
    if (text !== null) client.send(text, worthCompressing(text));
    timer ??= setInterval(tick, options.tickMs);
  }

  function close(client: LiveClient): void {
    audience.leave(client);
    rest();
  }

  function rest(): void {
    if (audience.size() > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  function tick(): void {
    const text = attempt(() => {
      deps.snapshot.renew();
      return deps.snapshot.text();
    });
    if (text === null) return;
    audience.dropSlow(Math.max(maxBufferedBytes, 2 * text.length));
    if (audience.size() > 0) deps.publish(topic, text, worthCompressing(text));
    else rest();
  }

  function worthCompressing(text: string): boolean {
    return text.length * audience.size() <= maxCompressedBytes;
  }

  function attempt(read: () => string): string | null {
    try {
      return read();
    } catch (error) {
      deps.log.error("the status could not be read", { error: messageOf(error) });
      return null;
    }
  }

  const routes = new Elysia({ name: "live", detail: { hide: true } })
    .get("/ws/dashboard", ({ status }) =>
      status(426, errorBody("upgrade_required", "This address speaks WebSocket only.")),
    )
    .ws("/ws/dashboard", {
      open: (socket) => open(socket.raw as unknown as LiveClient, socket.data.request),
      message() {},
      close: (socket) => close(socket.raw as unknown as LiveClient),
    });

  return {
    routes,
    endSession: audience.endSession,
    clients: audience.size,
    dropped: audience.dropped,
    /** Says goodbye to everybody and stops the clock. */
    stop(): void {
      audience.dismiss();
      rest();
    },
  };
}
