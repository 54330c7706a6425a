import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import { errorReply, parseControl, type RequestId, resultReply } from "./control-message.ts";
import type { StreamRequest } from "./stream-url.ts";

/** One client's socket as the session uses it. */
export type Wire = {
  send(text: string): void;
  ping(payload: string): void;
  close(code: number, reason: string): void;
};

/** The limits of one connection; defaults of the exchange in brackets. */
export type SessionLimits = {
  /** Streams a connection may hold (1024). */
  readonly maxStreams: number;
  /** Text, ping and pong frames a client may send in any one second (5). */
  readonly incomingPerSecond: number;
  /** How long a ping may stay unanswered, ms (60,000). */
  readonly pongTimeoutMs: number;
};

/** One client: its subscriptions, the form of its payloads, and its limits. */
export type Session = {
  readonly id: number;
  /** In the order in which they were subscribed. */
  readonly streams: ReadonlySet<string>;
  /** Payloads are wrapped with their stream's name. */
  readonly combined: boolean;
  readonly timeUnit: TimeUnit | null;
  /** Takes up the streams of the URL; the wire must be open. */
  open(): void;
  receiveText(text: string): void;
  receivePing(): void;
  receivePong(payload: string): void;
  /** Sends the ping that is due at `now` (ms), or cuts the client that left one unanswered for too long. */
  heartbeat(now: number, clockMs?: number): void;
};

/**
 * One connection, speaking as stream.binance.com does: everything well-formed is acknowledged, even streams that do not exist.
 * With `flatErrors` it refuses as documented instead of as measured: flat error frames, and an answer to text that is not JSON.
 * Sources: web-socket-streams.md, "Websocket Limits" and "General WSS information"; the texts of the closes are as measured.
 */
export function createSession(
  options: { id: number; request: StreamRequest; limits: SessionLimits; flatErrors: boolean },
  deps: {
    wire: Wire;
    now: () => number;
    onStreams: (session: Session, added: readonly string[], removed: readonly string[]) => void;
  },
): Session {
  const { limits, flatErrors } = options;
  const { wire } = deps;
  const streams = new Set<string>();
  const arrivals: number[] = [];
  let combined = options.request.combined;
  let unanswered: { payload: string; since: number }[] = [];
  let closed = false;

  function close(reason: string): void {
    closed = true;
    wire.close(1008, reason);
  }

  function withinRate(): boolean {
    if (closed) return false;
    const now = deps.now();
    arrivals.push(now);
    while ((arrivals[0] ?? now) <= now - 1000) arrivals.shift();
    if (arrivals.length <= limits.incomingPerSecond) return true;
    close("Too many requests");
    return false;
  }

  function subscribe(names: readonly string[], id: RequestId): boolean {
    const added = [...new Set(names)].filter((name) => !streams.has(name));
    if (streams.size + added.length > limits.maxStreams) {
      wire.send(errorReply(id, 4, "Too many subscriptions", flatErrors));
      close("Invalid request");
      return false;
    }
    for (const name of added) streams.add(name);
    if (added.length > 0) deps.onStreams(session, added, []);
    return true;
  }

  function unsubscribe(names: readonly string[]): void {
    const removed = names.filter((name) => streams.delete(name));
    if (removed.length > 0) deps.onStreams(session, [], removed);
  }

  const session: Session = {
    id: options.id,
    streams,
    get combined() {
      return combined;
    },
    timeUnit: options.request.timeUnit,

    open() {
      subscribe(options.request.streams, null);
    },

    receiveText(text) {
      if (!withinRate()) return;
      const parsed = parseControl(text);
      if (parsed.outcome === "not JSON") {
        if (!flatErrors) return close("Invalid request");
        return wire.send(errorReply(null, 3, "Invalid JSON: expected value at line 1 column 1", true));
      }
      if (parsed.outcome === "error") return wire.send(errorReply(parsed.id, parsed.code, parsed.msg, flatErrors));
      const { id, request } = parsed;
      switch (request.method) {
        case "SUBSCRIBE":
          if (subscribe(request.streams, id)) wire.send(resultReply(id, null));
          return;
        case "UNSUBSCRIBE":
          unsubscribe(request.streams);
          return wire.send(resultReply(id, null));
        case "LIST_SUBSCRIPTIONS":
          return wire.send(resultReply(id, [...streams]));
        case "SET_PROPERTY":
          combined = request.combined;
          return wire.send(resultReply(id, null));
        case "GET_PROPERTY":
          return wire.send(resultReply(id, combined));
      }
    },

    receivePing() {
      withinRate();
    },

    receivePong(payload) {
      if (!withinRate()) return;
      // A pong that copies no ping of ours is unsolicited: allowed, but it does not keep the connection alive.
      const answered = unanswered.findLastIndex((ping) => ping.payload === payload);
      unanswered = unanswered.slice(answered + 1);
    },

    heartbeat(now, clockMs = now) {
      if (closed) return;
      const oldest = unanswered[0];
      if (oldest !== undefined && now - oldest.since >= limits.pongTimeoutMs) return close("Pong timeout");
      const payload = String(clockMs);
      unanswered.push({ payload, since: now });
      wire.ping(payload);
    },
  };
  return session;
}
