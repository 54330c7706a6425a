import type { ConnectionStatus } from "../../domain/status.ts";
import type { Stream } from "../../domain/stream.ts";
import { backoff } from "../../platform/time/backoff.ts";
import { createFrameReader, type DataMessage } from "../frames/frame-reader.ts";
import type { FeedGap } from "../gaps/feed-events.ts";
import { createGapResolver } from "../gaps/gap-resolver.ts";
import { contentMark } from "../gaps/recent-ids.ts";
import { createStreamState, forgetIds, judge, lose, regain, type StreamState, unjudged } from "../gaps/stream-state.ts";
import { createConnectionSlot, type GoneHow, type SlotEvents, type SlotParts } from "../sockets/connection-slot.ts";
import { hostOfAddress } from "../sockets/endpoint.ts";
import { createLiveConnection, type LiveConnection } from "../sockets/live-connection.ts";
import { createParentConnection, type Leftover, type ParentConnection } from "../sockets/parent-connection.ts";
import { silentConnections, silentStreams } from "../sockets/silence-watchdog.ts";
import { createReception } from "./reception.ts";
import { checkRollover } from "./rollover-check.ts";
import type { StreamGroupDeps, StreamGroupOptions } from "./stream-group-types.ts";
import { unsettledOf } from "./upgrade-snapshot.ts";

/** Streams that share the same connections: one, or several at once, of which the first to deliver a record wins. */
export type StreamGroup = {
  start(): void;
  stop(): void;
  /** Adds and removes streams on the open connections. */
  change(added: readonly Stream[], removed: readonly Stream[]): void;
  streams(): readonly Stream[];
  /** Checks silence, rollovers and gaps. `isWaking`: the process did not run for a while, so silence is no proof. */
  tick(nowUs: number, isWaking: boolean): void;
  /** Starts the rollover of every connection. */
  rollOver(): void;
  isChanging(): boolean;
  connections(): readonly ConnectionStatus[];
  /** Returns the gaps that have not been reported; open gaps end now. */
  openGaps(): readonly FeedGap[];
  /** Returns the states of the recorded streams. */
  states(): readonly StreamState[];
  /** Returns the spans in which records may be missing if all connections stopped now. */
  unsettled(): readonly Leftover[];
  /** The parent process that still records these streams; null without parent. */
  readonly predecessor: ParentConnection | null;
};

/** Waits between reconnects because one stream is silent, µs. */
const silenceRetryUs = { first: 60_000_000, longest: 32 * 60_000_000 };

/** Creates the group. No connection is opened before `start`. */
export function createStreamGroup(options: StreamGroupOptions, deps: StreamGroupDeps): StreamGroup {
  const { sink, counts, log, nowUs, suspendDetector } = deps;
  /** By position in the reader; null for removed streams, whose last frames may still arrive. */
  const states: (StreamState | null)[] = [];
  const names: Stream[] = [];
  let read = createFrameReader([]);
  /** Streams with gaps or missing ids that are not resolved. */
  const pending = createGapResolver(sink.onGaps);

  /** The silence has been logged, and no connection has delivered since. */
  let isSilenceLogged = false;

  const slots = options.slots.map(({ id, rolloverUs }) =>
    createConnectionSlot(
      { id, host: hostOfAddress(options.address), streams: () => streams().length, rolloverUs },
      { ...deps, open, onGone, checkRollover: (old, next, us) => checkRollover(old, next, states, us, rolloverTimes) },
    ),
  );
  add(options.streams);
  const { reference, rolloverTimes } = options;
  if (reference !== null && !options.streams.includes(reference)) add([reference], true);

  function add(streams: readonly Stream[], isReference = false): void {
    for (const stream of streams) {
      states.push(createStreamState(stream, isReference, isReference ? null : deps.interruptionOf(stream)));
      names.push(stream);
    }
    read = createFrameReader(names);
  }

  const recorded = () => states.filter((state): state is StreamState => state !== null && !state.isReference);
  const streams = () => recorded().map(({ stream }) => stream);
  const ownConnections = () => slots.flatMap((slot) => slot.liveConnections());
  const liveConnections = () => [...ownConnections(), ...(predecessor?.liveConnections() ?? [])];
  const reception = createReception({ states, pending, liveConnections, nowUs, suspendDetector });
  const predecessor =
    options.inherited &&
    createParentConnection(options.inherited, { ...deps, states, reception, pending, ownConnections, ...options });

  function open({ onOpen, onEnd }: SlotEvents, slot: SlotParts): LiveConnection {
    const wanted = states.flatMap((state) => (state === null ? [] : [state.stream.name]));
    const address = deps.nextAddress(ownConnections().map((live) => live.address));
    const connection = deps.connect({ wsUrl: address, names: wanted }, deps, {
      onOpen(active, openedUs) {
        live.openedUs = openedUs;
        reception.onActive(live, active, openedUs);
        onOpen(live);
      },
      onText: (text, recvUs) => onText(live, text, recvUs),
      onBinary: (bytes, recvUs) => sink.onOdd(`a binary frame of ${bytes} bytes`, "", recvUs),
      onPing: sink.onPing,
      onEnd: (end) => onEnd(live, end),
    });
    const live = createLiveConnection({ address, connection, ...slot });
    return live;
  }

  function onText(live: LiveConnection, text: string, recvUs: number): void {
    const message = read(text);
    if (message.type === "data") onData(live, message.data, recvUs);
    else if (message.type === "odd") sink.onOdd(message.reason, text, recvUs);
    else if (message.type === "shutdown") onShutdown(live);
    else if (message.error === null) reception.onActive(live, live.connection.confirm(message.id ?? 0), recvUs);
    else log.error("the exchange refused a subscription", { host: live.host, reason: message.error });
  }

  function onData(live: LiveConnection, data: DataMessage, recvUs: number): void {
    const state = states[data.index];
    if (state === null || state === undefined) return;
    live.silenceDetector.observe(recvUs, live.isSilent ? 0 : live.lastDataUs);
    if (live.firstDataUs === 0 || live.isSilent) {
      reception.onFlow(live, recvUs);
      isSilenceLogged = false;
    }
    live.lastDataUs = recvUs;
    reception.lastDataUs = recvUs;
    if (state.stream.symbol === reference?.symbol) live.bookDating.observe(data, recvUs, sink.onDated);
    if (state.isReference) return;
    data.recvUs = recvUs;
    data.mark = contentMark(data.payload);
    let cursor = live.cursors[data.index];
    if (cursor === undefined) {
      cursor = state.sequence.join();
      live.cursors[data.index] = cursor;
    }
    state.silenceDetector.observe(recvUs, cursor.lastUs >= live.flowingUs ? cursor.lastUs : 0);
    const verdict = state.sequence.judge(cursor, data);
    if (state.sequence.hasGlitch()) onGlitch(state);
    if (state.gap !== null) {
      regain(state, recvUs);
      pending.add(state);
    }
    if (verdict === "duplicate") {
      counts.duplicates++;
      if (state.spans.length > 0) state.lastRecvUs = recvUs;
      return;
    }
    state.lastRecvUs = recvUs;
    state.tries = 0;
    if (state.sequence.missingIds !== null && state.sequence.missingIds.waiting() > 0) pending.add(state);
    if (verdict === "epoch") onEpoch(state, data.id, recvUs);
    if (data.unusual) counts.unusual++;
    sink.onData(data);
  }

  function onShutdown(live: LiveConnection): void {
    live.isAnnounced = true;
    log.warn("the exchange will close this connection; a replacement is opened", { host: live.host });
    live.replace("the exchange announced its shutdown");
  }

  function onEpoch(state: StreamState, id: number, recvUs: number): void {
    counts.epochs++;
    forgetIds(state);
    log.warn("the ids of this stream have restarted; recording continues", { stream: state.stream.name, id });
    sink.onEpoch(state.stream, id, recvUs);
  }

  function onGlitch({ stream, sequence }: StreamState): void {
    const { id, notMissing } = sequence.takeGlitch() ?? { id: 0, notMissing: null };
    log.warn("the ids of this stream had jumped and are back; recording continues", { stream: stream.name, id });
    if (notMissing !== null) sink.onNotMissing?.(stream, notMissing);
  }

  function onGone(live: LiveConnection, { wasNeverOpen, isPlanned }: GoneHow): void {
    for (const [index, cursor] of live.cursors.entries())
      if (cursor !== undefined) states[index]?.sequence.leave(cursor);
    if (wasNeverOpen) reception.onConnectFailed();
    // The gaps of a silent connection were opened when it fell silent.
    if (live.isSilent) return;
    reception.onLost(live, { cause: live.isAnnounced && !isPlanned ? "serverShutdown" : "reconnect", isPlanned });
  }

  function checkSilence(now: number): void {
    for (const live of silentConnections(ownConnections(), options.staleUs, now)) {
      live.isSilent = true;
      if (!isSilenceLogged) log.warn("no data on an open connection; a replacement is opened", { host: live.host });
      isSilenceLogged = true;
      reception.onLost(live, { cause: "silent", isPlanned: false });
      live.replace("it was silent");
    }
    for (const state of silentStreams(states, options.staleUs, now)) onSilent(state, now);
  }

  /** A stream is silent while others deliver: either the exchange has halted it, or another connection may deliver it. */
  function onSilent(state: StreamState, now: number): void {
    const isHalted = !deps.mayDeliver(state.stream.symbol);
    const isNew = state.lastRecvUs > 0 ? state.gap === null : state.tries === 0;
    const { name } = state.stream;
    if (isNew && !isHalted)
      log.warn("a stream is silent while others deliver; another connection is opened", { stream: name });
    // If the stream has never delivered anything, the start of the gap is unknown.
    if (state.lastRecvUs > 0) lose(state, reception.lastDataUs, isHalted ? "halted" : "silent", true);
    if (state.gap !== null && isHalted) state.gap.cause = "halted";
    if (isHalted || now < state.nextTryUs) return;
    state.nextTryUs = now + backoff(silenceRetryUs, state.tries++);
    slots[0]?.replace("a stream was silent");
  }

  return {
    start: () => {
      for (const slot of slots) slot.start();
    },
    stop() {
      for (const slot of slots) slot.stop();
    },
    change(added, removed) {
      const gone = removed.map(({ name }) => name);
      for (const [index, state] of states.entries()) {
        if (state === null || !gone.includes(state.stream.name)) continue;
        // Report its open and unresolved gaps before it is forgotten.
        if (!state.isReference) sink.onGaps([...judge(state, Number.POSITIVE_INFINITY), ...unjudged(state, nowUs())]);
        states[index] = null;
      }
      add(added);
      for (const { connection } of ownConnections()) {
        if (gone.length > 0) connection.unsubscribe(gone);
        if (added.length > 0) connection.subscribe(added.map(({ name }) => name));
      }
    },
    streams,
    tick(now, isWaking) {
      if (!isWaking) checkSilence(now);
      for (const slot of slots) slot.tick(now);
      pending.resolve(now, liveConnections().length);
    },
    rollOver() {
      for (const slot of slots) slot.replace("it was asked for");
    },
    isChanging: () => slots.some((slot) => slot.isChanging()),
    connections: () => slots.flatMap((slot) => slot.status()),
    openGaps: () => recorded().flatMap((state) => unjudged(state, nowUs())),
    states: recorded,
    unsettled() {
      const open = ownConnections().filter(({ isSilent }) => !isSilent);
      return states.flatMap((state, index) => {
        if (state === null || state.isReference) return [];
        const cursors = open.flatMap((live) => live.cursors[index] ?? []);
        return unsettledOf(state, cursors) ?? [];
      });
    },
    predecessor,
  };
}
