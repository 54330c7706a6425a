import type { ServerWebSocket } from "bun";
import type { Log } from "../platform/log/log.ts";
import { createLives, type LifeOptions } from "./connection-life.ts";
import type { Ending, FaultHooks } from "./faults/hooks.ts";
import { createBackpressure } from "./protocol/backpressure.ts";
import { createDelivery, type Frame } from "./protocol/frames.ts";
import type { MarketEvent, MarketListeners } from "./protocol/market-source.ts";
import { createSession, type Session, type SessionLimits } from "./protocol/socket-session.ts";
import { createStallWatch, type StallLimit } from "./protocol/stall-watch.ts";
import type { StreamRequest } from "./protocol/stream-url.ts";

/** Data of a socket. */
export type ConnectionData = { readonly id: number; readonly request: StreamRequest; session: Session | null };

/** All open sockets of an exchange. */
export type Connections = {
  readonly audience: MarketListeners;
  /** Sends a batch to the subscribers. */
  emit(events: readonly MarketEvent[]): void;
  /** Sends the pings that are due at `now`, carrying what the exchange's clock shows (both ms). */
  heartbeat(now: number, clockMs: number): void;
  /** Cuts connections whose clients read too slowly. */
  dropStalled(now: number): void;
  /** Open connections, oldest first. */
  ids(): number[];
  /** Sends frames to a socket, past all faults; no effect if it is gone. */
  send(id: number, frames: readonly Frame[]): void;
  ping(id: number, payload: Uint8Array): void;
  pong(id: number, payload: Uint8Array): void;
  /** Sends `serverShutdown`, which needs no subscription. */
  announce(id: number): void;
  end(id: number, how: Ending): void;
  endAll(how: Ending): void;
  stats(): {
    readonly connections: number;
    readonly streams: number;
    readonly messagesSent: number;
    readonly bufferedBytes: number;
    readonly slowClosed: number;
    readonly closing: number;
  };
  /** What the port does with sockets. */
  readonly handlers: {
    open(socket: Socket): void;
    text(socket: Socket, text: string): void;
    ping(socket: Socket): void;
    pong(socket: Socket, payload: string): void;
    drain(socket: Socket): void;
    close(socket: Socket): void;
  };
};

type Socket = ServerWebSocket<ConnectionData>;

/** Creates the table of sockets; `onSent` is called after each frame of data that was handed to one, in its order. */
export function createConnections(
  options: {
    limits: SessionLimits;
    flatErrors: boolean;
    deflate: boolean;
    maxBufferedBytes: number;
    stall: StallLimit | null;
    life: LifeOptions;
  },
  deps: {
    hooks: FaultHooks;
    /** As in `MarketSource`. */
    inventsTimes: boolean;
    now: () => number;
    onSent: ((connection: number, frame: Frame) => void) | null;
    onAudience: () => void;
    log: Log;
  },
): Connections {
  const { hooks, now, onSent, log } = deps;
  const delivery = createDelivery(deps.inventsTimes);
  const pressure = createBackpressure<Session>();
  const stalls = options.stall === null ? null : createStallWatch<number>(options.stall);
  const lives = createLives(options.life, { announce, end });
  const sockets = new Map<number, Socket>();
  /** Told to close, but not gone yet. */
  const closing = new Set<Socket>();
  let messagesSent = 0;
  let slowClosed = 0;

  function open(socket: Socket): void {
    const { id, request } = socket.data;
    const session = createSession(
      { id, request, limits: options.limits, flatErrors: options.flatErrors },
      {
        wire: {
          send: (text) => {
            if (!isMuted(id)) socket.send(text);
          },
          ping: (payload) => void socket.ping(payload),
          close: (code, reason) => close(socket, code, reason),
        },
        now,
        onStreams(changed, added, removed) {
          delivery.add(changed, added);
          delivery.remove(changed, removed);
          deps.onAudience();
        },
      },
    );
    socket.data.session = session;
    sockets.set(id, socket);
    lives.begin(id);
    session.open();
    hooks.opened?.(id);
  }

  function isMuted(id: number): boolean {
    return hooks.muted?.(id) ?? false;
  }

  function close(socket: Socket, code: number, reason: string): void {
    log.debug("exchange closes a connection", { connection: socket.data.id, code, reason });
    forget(socket);
    closing.add(socket);
    socket.close(code, reason);
  }

  function forget(socket: Socket): void {
    const { id, session } = socket.data;
    if (session === null || !sockets.delete(id)) return;
    lives.forget(id);
    delivery.remove(session, session.streams);
    pressure.forget(session);
    stalls?.forget(id);
    hooks.closed?.(id);
    deps.onAudience();
  }

  function emit(events: readonly MarketEvent[]): void {
    delivery.deliver(events, ({ id }, frames) => send(id, hooks.frames === null ? frames : hooks.frames(id, frames)));
  }

  function send(id: number, frames: readonly Frame[]): void {
    const socket = sockets.get(id);
    const session = socket?.data.session;
    if (socket === undefined || session === null || session === undefined) return;
    let bytes = 0;
    socket.cork(() => {
      for (const frame of frames) {
        const sent = socket.send(frame.text, options.deflate);
        if (sent === 0) return;
        bytes += frame.text.length;
        messagesSent += 1;
        onSent?.(id, frame);
      }
    });
    const buffered = socket.getBufferedAmount();
    if (buffered > options.maxBufferedBytes) {
      slowClosed += 1;
      log.warn("exchange drops a slow reader", { connection: id, buffered });
      close(socket, 1008, "Slow consumer");
      return;
    }
    pressure.update(session, buffered);
    if (stalls !== null) stalls.sent(id, bytes);
  }

  function announce(id: number): void {
    const socket = sockets.get(id);
    const session = socket?.data.session;
    if (socket === undefined || session === null || session === undefined) return;
    const payload = `{"e":"serverShutdown","E":${now() * (session.timeUnit === "us" ? 1000 : 1)}}`;
    socket.send(session.combined ? `{"stream":"!serverShutdown","data":${payload}}` : payload);
  }

  function end(id: number, how: Ending): void {
    const socket = sockets.get(id);
    if (socket === undefined) return;
    if (how === "terminate") {
      forget(socket);
      socket.terminate();
    } else close(socket, how.code, how.reason);
  }

  return {
    audience: { wants: delivery.wants, pressure: pressure.wait },
    emit,
    heartbeat(at, clockMs) {
      for (const [id, socket] of [...sockets]) if (!isMuted(id)) socket.data.session?.heartbeat(at, clockMs);
    },
    dropStalled(at) {
      for (const id of stalls?.stalled(at, (reader) => sockets.get(reader)?.getBufferedAmount() ?? 0) ?? []) {
        slowClosed += 1;
        log.warn("exchange drops a reader that does not read", {
          connection: id,
          buffered: sockets.get(id)?.getBufferedAmount(),
        });
        // It would not read a close either.
        end(id, "terminate");
      }
    },
    ids: () => [...sockets.keys()],
    send,
    ping: (id, payload) => void sockets.get(id)?.ping(payload),
    pong: (id, payload) => void sockets.get(id)?.pong(payload),
    announce,
    end,
    endAll(how) {
      for (const id of [...sockets.keys()]) end(id, how);
    },
    stats() {
      let bufferedBytes = 0;
      const streams = new Set<string>();
      for (const socket of sockets.values()) {
        bufferedBytes += socket.getBufferedAmount();
        for (const stream of socket.data.session?.streams ?? []) streams.add(stream);
      }
      const counts = { connections: sockets.size, closing: closing.size, streams: streams.size };
      return { ...counts, messagesSent, bufferedBytes, slowClosed };
    },
    handlers: {
      open,
      text: (socket, text) => socket.data.session?.receiveText(text),
      ping: (socket) => socket.data.session?.receivePing(),
      pong: (socket, payload) => socket.data.session?.receivePong(payload),
      drain(socket) {
        if (socket.data.session !== null) pressure.update(socket.data.session, socket.getBufferedAmount());
      },
      close(socket) {
        closing.delete(socket);
        forget(socket);
      },
    },
  };
}
