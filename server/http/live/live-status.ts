import { Elysia } from "elysia";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { errorBody } from "../core/errors.ts";
import type { StatusCache } from "../core/status-cache.ts";
import { createSubscribers, type Listener, type LiveClient, maxBufferedBytes } from "./subscribers.ts";

/** Serves `/ws/dashboard` and owns the timer behind it. */
export type LiveStatus = ReturnType<typeof createLiveStatus>;

const topic = "dashboard";

/** Upper bound for open dashboards; further dashboards are asked to come back later. */
const maxClients = 256;

/**
 * Upper bound for compression: text length times number of dashboards. Each client's text is compressed separately on the main
 * thread, about 10 ms a megabyte. That pays off for a phone, but not for a wall of dashboards, which get uncompressed text.
 */
const maxCompressedBytes = 1024 * 1024;

type LiveDeps = {
  snapshot: StatusCache;
  /** Sends a text to every subscriber of a topic. */
  publish: (topic: string, text: string, compress: boolean) => void;
  /** Returns the sender of a request. */
  listenerOf: (request: Request) => Listener;
  log: Log;
};

/**
 * Sends the status to every connected dashboard once a tick, serialised once. A new dashboard gets the newest status at once.
 * The timer runs only while a dashboard is connected, and sending never blocks.
 */
export function createLiveStatus(options: { tickMs: number }, deps: LiveDeps) {
  const subscribers = createSubscribers({ name: "dashboard", most: maxClients }, deps);
  let timer: ReturnType<typeof setInterval> | null = null;

  function open(client: LiveClient, request: Request): void {
    if (!subscribers.enter(client, topic, deps.listenerOf(request))) return;
    const text = readOrLog(() => deps.snapshot.text());
    if (text !== null) client.send(text, isWorthCompressing(text));
    timer ??= setInterval(tick, options.tickMs);
  }

  function close(client: LiveClient): void {
    subscribers.leave(client);
    stopIfUnused();
  }

  function stopIfUnused(): void {
    if (subscribers.size() > 0 || timer === null) return;
    clearInterval(timer);
    timer = null;
  }

  function tick(): void {
    const text = readOrLog(() => {
      deps.snapshot.renew();
      return deps.snapshot.text();
    });
    if (text === null) return;
    subscribers.dropSlow(Math.max(maxBufferedBytes, 2 * text.length));
    if (subscribers.size() > 0) deps.publish(topic, text, isWorthCompressing(text));
    else stopIfUnused();
  }

  function isWorthCompressing(text: string): boolean {
    return text.length * subscribers.size() <= maxCompressedBytes;
  }

  function readOrLog(read: () => string): string | null {
    try {
      return read();
    } catch (error) {
      deps.log.error("cannot read the status", { error: messageOf(error) });
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
    endSession: subscribers.endSession,
    hasToken: subscribers.hasToken,
    clients: subscribers.size,
    dropped: subscribers.dropped,
    /** Closes all connections and stops the timer. */
    stop(): void {
      subscribers.dismiss();
      stopIfUnused();
    },
  };
}
