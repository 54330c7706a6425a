import type { ConnectionStatus } from "../../domain/status.ts";
import type { Log } from "../../platform/log/log.ts";
import { backoff } from "../../platform/time/backoff.ts";
import type { After } from "../../platform/time/timers.ts";
import type { Rollover } from "../feed/rollover-check.ts";
import { createSilenceDetector, enoughOfMany, type SilenceDetector } from "../gaps/silence-detector.ts";
import type { ConnectRateLimit } from "./connect-rate-limit.ts";
import type { ConnectionEnd } from "./connection.ts";
import type { LiveConnection } from "./live-connection.ts";

/**
 * A place for one connection of a stream group. During a rollover it also holds the successor, which opens first.
 *
 * | state           | event                                      | next state and action                                               |
 * |-----------------|--------------------------------------------|---------------------------------------------------------------------|
 * | connecting      | open                                       | open; the rollover is due after `rolloverUs`                        |
 * | connecting      | ended                                      | waiting; backoff, doubled each time                                 |
 * | open            | ended                                      | waiting; backoff, shortest if it had delivered for `goodAfterUs`    |
 * | open            | `replace`, rollover due, silent            | rolling over; a successor is opened                                 |
 * | waiting         | backoff over                               | connecting                                                          |
 * | rolling over    | successor ended                            | rolling over; another successor after a backoff                     |
 * | rolling over    | old connection ended                       | successor exists: it takes over; else waiting                       |
 * | rolling over    | `checkRollover`: done                      | open; the successor takes over, the old connection is closed        |
 * | rolling over    | `checkRollover`: in_vain                   | open; successor closed, next rollover after `failedUs`, doubled      |
 */
export type ConnectionSlot = {
  readonly id: number;
  /** Observes everything that arrives over this slot. */
  readonly silenceDetector: SilenceDetector;
  start(): void;
  stop(): void;
  /** Starts a rollover: opens a successor; both deliver until it ends. No effect during a rollover. `why` is logged. */
  replace(why: string): void;
  /** Advances the rollover, and starts a rollover if the connection is old or silent. */
  tick(nowUs: number): void;
  /** Returns the open connections: 0 or 1, up to 2 during a rollover. */
  liveConnections(): readonly LiveConnection[];
  isChanging(): boolean;
  status(): readonly ConnectionStatus[];
};

/** Events of the connections of a slot. */
export type SlotEvents = {
  readonly onOpen: (live: LiveConnection) => void;
  readonly onEnd: (live: LiveConnection, end: ConnectionEnd) => void;
};

/** What the slot gives to its connections. */
export type SlotParts = Pick<LiveConnection, "silenceDetector" | "replace">;

/** How a connection ended. `wasNeverOpen`: it failed to connect. `isPlanned`: the slot closed it. */
export type GoneHow = { readonly wasNeverOpen: boolean; readonly isPlanned: boolean };

export type ConnectionSlotDeps = {
  readonly nowUs: () => number;
  readonly after: After;
  readonly connectRateLimit: ConnectRateLimit;
  /** Random number from 0 to 1: spreads the reconnects of sockets that ended together. */
  readonly random: () => number;
  /** Opens a connection to the next address. */
  readonly open: (events: SlotEvents, slot: SlotParts) => LiveConnection;
  readonly checkRollover: (old: LiveConnection, next: LiveConnection, nowUs: number) => Rollover;
  /** The connection delivers no more. */
  readonly onGone: (live: LiveConnection, how: GoneHow) => void;
  readonly counts: { reconnects: number; rollovers: number };
  readonly log: Log;
};

/** A connection that has delivered for this long resets the backoff, µs. The connect rate limit bounds the reconnects. */
const goodAfterUs = 1_000_000;

/** Waits before reconnects, ms. Sockets that were cut at the same time must not reconnect at the same time. */
const reconnectMs = { first: 250, longest: 30_000, jitter: 0.5 };

/** Waits for the next rollover after failed rollovers, µs. */
const rolloverRetryUs = { first: 60_000_000, longest: 64 * 60_000_000 };

/** Creates the slot. `streams` returns how many streams it carries. */
export function createConnectionSlot(
  options: { id: number; host: string; streams: () => number; rolloverUs: () => number },
  deps: ConnectionSlotDeps,
): ConnectionSlot {
  const { log, counts, nowUs } = deps;
  const silenceDetector = createSilenceDetector(enoughOfMany);
  let current: LiveConnection | null = null;
  let successor: LiveConnection | null = null;
  /** Reason of the rollover under way; null if there is no rollover. */
  let rolloverReason: string | null = null;
  let stateSinceUs = nowUs();
  let rolloverAtUs = Number.POSITIVE_INFINITY;
  let failures = 0;
  let successorFailures = 0;
  let failedRollovers = 0;
  let reconnects = 0;
  let lastError: string | null = null;
  let host = options.host;
  let cancelConnect = () => {};
  let cancelSuccessor = () => {};

  function connect(): void {
    stateSinceUs = nowUs();
    cancelConnect = deps.connectRateLimit.enqueue(() => {
      current = deps.open({ onOpen, onEnd }, { silenceDetector, replace });
      stateSinceUs = nowUs();
    });
  }

  function connectSuccessor(): void {
    cancelSuccessor = deps.connectRateLimit.enqueue(() => {
      successor = deps.open({ onOpen, onEnd }, { silenceDetector, replace });
    });
  }

  function onOpen(live: LiveConnection): void {
    if (live !== current) return;
    applyOpened(live);
    log.info("connected", { host: live.host, connection: options.id, streams: options.streams() });
  }

  function applyOpened(live: LiveConnection): void {
    host = live.host;
    stateSinceUs = live.openedUs;
    rolloverAtUs = live.openedUs + options.rolloverUs();
  }

  function onEnd(live: LiveConnection, { reason, wasOpen }: ConnectionEnd): void {
    deps.onGone(live, { wasNeverOpen: !wasOpen, isPlanned: false });
    if (live === successor) {
      successor = null;
      const waitMs = Math.round(backoff(reconnectMs, ++successorFailures, deps.random()));
      if (rolloverReason !== null) cancelSuccessor = deps.after(waitMs, connectSuccessor);
      return;
    }
    if (live !== current) return;
    current = null;
    const wasGood = live.firstDataUs > 0 && live.lastDataUs - live.firstDataUs >= goodAfterUs;
    failures = wasGood ? 0 : failures + 1;
    reconnects++;
    counts.reconnects++;
    const message = wasOpen ? "connection lost, reconnecting" : "cannot connect, trying again";
    if (lastError !== reason) log.warn(message, { host: live.host, connection: options.id, reason });
    lastError = reason;
    if (successor !== null) {
      takeOver(successor);
      return;
    }
    abandonSuccessor();
    stateSinceUs = nowUs();
    cancelConnect = deps.after(Math.round(backoff(reconnectMs, failures, deps.random())), connect);
  }

  /** Makes the successor the slot's connection. */
  function takeOver(live: LiveConnection): void {
    current = live;
    successor = null;
    rolloverReason = null;
    successorFailures = 0;
    failedRollovers = 0;
    if (live.openedUs > 0) applyOpened(live);
    else stateSinceUs = nowUs();
  }

  function abandonSuccessor(): void {
    cancelSuccessor();
    const live = successor;
    successor = null;
    rolloverReason = null;
    if (live === null) return;
    live.connection.close();
    deps.onGone(live, { wasNeverOpen: false, isPlanned: true });
  }

  function advanceRollover(old: LiveConnection, next: LiveConnection, now: number): void {
    const result = deps.checkRollover(old, next, now);
    if (result === "waiting") return;
    if (result === "done") {
      const fields = {
        host: next.host,
        connection: options.id,
        why: rolloverReason,
        ms: Math.round((now - next.openedUs) / 1000),
      };
      takeOver(next);
      counts.rollovers++;
      old.connection.close();
      deps.onGone(old, { wasNeverOpen: false, isPlanned: true });
      log.info("rollover done: a new connection has taken over", fields);
      return;
    }
    log.warn("rollover failed: the new connection does not deliver all streams; the old connection stays", {
      host: next.host,
    });
    abandonSuccessor();
    rolloverAtUs = now + backoff(rolloverRetryUs, failedRollovers++);
  }

  function replace(why: string): void {
    if (rolloverReason !== null || current === null || current.openedUs === 0) return;
    rolloverReason = why;
    connectSuccessor();
  }

  return {
    id: options.id,
    silenceDetector,
    start: connect,
    stop() {
      cancelConnect();
      abandonSuccessor();
      current?.connection.close();
      current = null;
    },
    replace,
    tick(now) {
      if (current !== null && current.firstDataUs > 0 && !current.isSilent) lastError = null;
      if (current !== null && successor !== null && successor.openedUs > 0) advanceRollover(current, successor, now);
      else if (now >= rolloverAtUs) replace("the maximum age was near");
      else if (current?.isSilent) replace("it was silent");
    },
    liveConnections: () =>
      [current, successor].filter((live) => live !== null && live.openedUs > 0) as LiveConnection[],
    isChanging: () => rolloverReason !== null,
    status() {
      const row = (live: LiveConnection | null, role: ConnectionStatus["role"]): ConnectionStatus => ({
        id: options.id,
        role,
        host: live?.host ?? host,
        state: live === null ? "waiting" : live.openedUs > 0 ? "open" : "connecting",
        since_us: role === "current" || live === null ? stateSinceUs : live.openedUs || stateSinceUs,
        rollover_us: role === "current" && Number.isFinite(rolloverAtUs) && live !== null ? rolloverAtUs : null,
        streams: options.streams(),
        reconnects,
        last_recv_us: live === null || live.lastDataUs === 0 ? null : live.lastDataUs,
        last_error: role === "current" ? lastError : null,
      });
      return rolloverReason === null
        ? [row(current, "current")]
        : [row(current, "current"), row(successor, "successor")];
    },
  };
}
