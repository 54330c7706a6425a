import type { ConnectionStatus } from "../../domain/status.ts";
import { backoffMs } from "../../platform/fetch/backoff.ts";
import type { Log } from "../../platform/log/log.ts";
import type { After } from "../../platform/time/timers.ts";
import type { Rollover } from "../feed/rollover-check.ts";
import { createSilenceDetector, enoughOfMany, type SilenceDetector } from "../gaps/silence-detector.ts";
import type { ConnectRateLimit } from "./connect-rate-limit.ts";
import type { ConnectionEnd } from "./connection.ts";
import type { LiveConnection } from "./live-connection.ts";

/** One place of a group: the connection that stands there now and, during a change, its successor, which opens before it closes. */
export type ConnectionSlot = {
  readonly id: number;
  /** Of whatever comes over this leg. */
  readonly rhythm: SilenceDetector;
  start(): void;
  stop(): void;
  /** Opens a successor beside the connection; both deliver until the change is over. Does nothing while one is under way. */
  replace(why: string): void;
  /** Takes the change further, and begins one where the connection has grown old. */
  tick(nowUs: number): void;
  links(): readonly LiveConnection[];
  isChanging(): boolean;
  status(): readonly ConnectionStatus[];
};

/** What a leg is told of its connections by those who open them. */
export type SlotEvents = {
  readonly onOpen: (link: LiveConnection) => void;
  readonly onEnd: (link: LiveConnection, end: ConnectionEnd) => void;
};

export type ConnectionSlotDeps = {
  readonly nowUs: () => number;
  readonly after: After;
  readonly pacer: ConnectRateLimit;
  /** From 0 to 1, so that sockets that ended together do not come back together. */
  readonly random: () => number;
  /** Opens a connection to the next address. */
  readonly open: (events: SlotEvents, place: Pick<LiveConnection, "rhythm" | "replace">) => LiveConnection;
  readonly judge: (old: LiveConnection, next: LiveConnection, nowUs: number) => Rollover;
  /** The link delivers no more. `vain`: it never had been open; `isPlanned`: a successor is in its place. */
  readonly onGone: (link: LiveConnection, how: { readonly vain: boolean; readonly isPlanned: boolean }) => void;
  readonly counts: { reconnects: number; rollovers: number };
  readonly log: Log;
};

/** After a connection that has delivered for so long the next wait is the shortest; the pacer bounds what that may lead to. */
const goodAfterUs = 1_000_000;

/** After a successor that did not deliver what the old connection does, the next is tried so much later, µs, doubled each time. */
const vainUs = 60_000_000;

/** Creates the place; `streams` tells how many it carries. */
export function createConnectionSlot(
  options: { id: number; host: string; streams: () => number; rolloverUs: () => number },
  deps: ConnectionSlotDeps,
): ConnectionSlot {
  const { log, counts, nowUs } = deps;
  const rhythm = createSilenceDetector(enoughOfMany);
  let current: LiveConnection | null = null;
  let successor: LiveConnection | null = null;
  /** Why a successor is wanted; null while none is. */
  let wanted: string | null = null;
  let sinceUs = nowUs();
  let rolloverAtUs = Number.POSITIVE_INFINITY;
  let failures = 0;
  let successorFailures = 0;
  let vain = 0;
  let reconnects = 0;
  let lastError: string | null = null;
  let host = options.host;
  let cancel = () => {};
  let cancelSuccessor = () => {};

  function connect(): void {
    sinceUs = nowUs();
    cancel = deps.pacer.take(() => {
      current = deps.open({ onOpen, onEnd }, { rhythm, replace });
      sinceUs = nowUs();
    });
  }

  function connectSuccessor(): void {
    cancelSuccessor = deps.pacer.take(() => {
      successor = deps.open({ onOpen, onEnd }, { rhythm, replace });
    });
  }

  function onOpen(link: LiveConnection): void {
    if (link !== current) return;
    settleIn(link);
    log.info("connected", { host: link.host, connection: options.id, streams: options.streams() });
  }

  function settleIn(link: LiveConnection): void {
    host = link.host;
    sinceUs = link.openedUs;
    rolloverAtUs = link.openedUs + options.rolloverUs();
  }

  function onEnd(link: LiveConnection, { reason, wasOpen }: ConnectionEnd): void {
    deps.onGone(link, { vain: !wasOpen, isPlanned: false });
    if (link === successor) {
      successor = null;
      const waitMs = Math.round(backoffMs(++successorFailures, deps.random()));
      if (wanted !== null) cancelSuccessor = deps.after(waitMs, connectSuccessor);
      return;
    }
    if (link !== current) return;
    current = null;
    const wasGood = link.firstDataUs > 0 && link.lastDataUs - link.firstDataUs >= goodAfterUs;
    failures = wasGood ? 0 : failures + 1;
    reconnects++;
    counts.reconnects++;
    const what = wasOpen ? "connection lost, trying again" : "cannot connect, trying again";
    if (lastError !== reason) log.warn(what, { host: link.host, connection: options.id, reason });
    lastError = reason;
    if (successor !== null) {
      takeOver(successor);
      return;
    }
    abandonSuccessor();
    sinceUs = nowUs();
    cancel = deps.after(Math.round(backoffMs(failures, deps.random())), connect);
  }

  /** The successor is the connection from now on. */
  function takeOver(link: LiveConnection): void {
    current = link;
    successor = null;
    wanted = null;
    successorFailures = 0;
    vain = 0;
    if (link.openedUs > 0) settleIn(link);
    else sinceUs = nowUs();
  }

  function abandonSuccessor(): void {
    cancelSuccessor();
    const link = successor;
    successor = null;
    wanted = null;
    if (link === null) return;
    link.connection.close();
    deps.onGone(link, { vain: false, isPlanned: true });
  }

  function change(old: LiveConnection, next: LiveConnection, now: number): void {
    const result = deps.judge(old, next, now);
    if (result === "waiting") return;
    if (result === "done") {
      const fields = {
        host: next.host,
        connection: options.id,
        why: wanted,
        ms: Math.round((now - next.openedUs) / 1000),
      };
      takeOver(next);
      counts.rollovers++;
      old.connection.close();
      deps.onGone(old, { vain: false, isPlanned: true });
      log.info("a new connection has taken over", fields);
      return;
    }
    log.warn("the new connection does not deliver what the old one does; the old one stays", { host: next.host });
    abandonSuccessor();
    rolloverAtUs = now + vainUs * 2 ** Math.min(vain++, 6);
  }

  function replace(why: string): void {
    if (wanted !== null || current === null || current.openedUs === 0) return;
    wanted = why;
    connectSuccessor();
  }

  return {
    id: options.id,
    rhythm,
    start: connect,
    stop() {
      cancel();
      abandonSuccessor();
      current?.connection.close();
      current = null;
    },
    replace,
    tick(now) {
      if (current !== null && current.firstDataUs > 0 && !current.isSilent) lastError = null;
      if (current !== null && successor !== null && successor.openedUs > 0) change(current, successor, now);
      else if (now >= rolloverAtUs) replace("its time was nearly up");
      else if (current?.isSilent) replace("it was silent");
    },
    links: () => [current, successor].filter((link) => link !== null && link.openedUs > 0) as LiveConnection[],
    isChanging: () => wanted !== null,
    status() {
      const row = (link: LiveConnection | null, role: ConnectionStatus["role"]): ConnectionStatus => ({
        id: options.id,
        role,
        host: link?.host ?? host,
        state: link === null ? "waiting" : link.openedUs > 0 ? "open" : "connecting",
        since_us: role === "current" || link === null ? sinceUs : link.openedUs || sinceUs,
        rollover_us: role === "current" && Number.isFinite(rolloverAtUs) && link !== null ? rolloverAtUs : null,
        streams: options.streams(),
        reconnects,
        last_recv_us: link === null || link.lastDataUs === 0 ? null : link.lastDataUs,
        last_error: role === "current" ? lastError : null,
      });
      return wanted === null ? [row(current, "current")] : [row(current, "current"), row(successor, "successor")];
    },
  };
}
