import type { ConnectionStatus } from "../../domain/status.ts";
import type { Stream } from "../../domain/stream.ts";
import { createFrameReader, type DataMessage } from "../frames/frame-reader.ts";
import type { FeedGap } from "../gaps/feed-events.ts";
import { createGapResolver } from "../gaps/gap-resolver.ts";
import { contentMark } from "../gaps/recent-ids.ts";
import { createStreamState, forgetIds, judge, lose, regain, type StreamState, unjudged } from "../gaps/stream-state.ts";
import { createConnectionSlot, type SlotEvents } from "../sockets/connection-slot.ts";
import { hostOfAddress } from "../sockets/endpoint.ts";
import { createLiveConnection, type LiveConnection } from "../sockets/live-connection.ts";
import { createParentConnection, type Leftover, type ParentConnection } from "../sockets/parent-connection.ts";
import { isConnectionSilent, silentStreams } from "../sockets/silence-watchdog.ts";
import { createReception } from "./reception.ts";
import { checkRollover } from "./rollover-check.ts";
import type { StreamGroupDeps, StreamGroupOptions } from "./stream-group-types.ts";
import { unsettledOf } from "./upgrade-snapshot.ts";

/** Streams that go over the same connections: one, or several at the same time of which the first to deliver wins. */
export type StreamGroup = {
  start(): void;
  stop(): void;
  /** Adds to and takes from what is carried, on the connections that stand. */
  change(added: readonly Stream[], removed: readonly Stream[]): void;
  streams(): readonly Stream[];
  /** Looks after everything that time brings; `isWaking`: nobody looked for so long that silence means nothing now. */
  tick(nowUs: number, isWaking: boolean): void;
  /** Replaces every connection. */
  rollOver(): void;
  isChanging(): boolean;
  connections(): readonly ConnectionStatus[];
  /** Gaps that nobody has been told of, up to now. */
  openGaps(): readonly FeedGap[];
  /** What is recorded, as it stands. */
  carried(): readonly StreamState[];
  /** What would be missing if nothing more came. */
  unsettled(): readonly Leftover[];
  /** The process that still records what this group is to go on with; null where there is none. */
  readonly predecessor: ParentConnection | null;
};

/** Time between connections that are tried because one stream is silent, µs, doubled each time up to 32 times. */
const retryUs = 60_000_000;

/** Creates the group; nothing is opened before `start`. */
export function createStreamGroup(options: StreamGroupOptions, deps: StreamGroupDeps): StreamGroup {
  const { sink, counts, log, nowUs } = deps;
  /** By position in the reader; null for streams that were taken away, whose last frames may still come. */
  const carried: (StreamState | null)[] = [];
  const names: Stream[] = [];
  let read = createFrameReader([]);
  /** Streams with gaps or holes that want judging. */
  const pending = createGapResolver(sink.onGaps);

  /** That connections are silent has been said, and none has delivered since. */
  let isToldSilent = false;

  const legs = options.legs.map(({ id, rolloverUs }) =>
    createConnectionSlot(
      { id, host: hostOfAddress(options.address), streams: () => streams().length, rolloverUs },
      { ...deps, open, onGone, judge: (old, next, now) => checkRollover(old, next, carried, now, options.handover) },
    ),
  );
  add(options.streams);
  const { reference } = options;
  if (reference !== null && !options.streams.includes(reference)) add([reference], true);

  function add(streams: readonly Stream[], isReference = false): void {
    for (const stream of streams) {
      carried.push(createStreamState(stream, isReference, isReference ? null : deps.interruptionOf(stream)));
      names.push(stream);
    }
    read = createFrameReader(names);
  }

  const recorded = () => carried.filter((one): one is StreamState => one !== null && !one.isReference);
  const streams = () => recorded().map(({ stream }) => stream);
  const ownLinks = () => legs.flatMap((leg) => leg.links());
  const liveLinks = () => [...ownLinks(), ...(predecessor?.links() ?? [])];
  const coverage = createReception({ carried, pending, liveLinks, nowUs, sleep: deps.sleep });
  const predecessor =
    options.inherited &&
    createParentConnection(options.inherited, { ...deps, carried, coverage, pending, ownLinks, ...options });

  function open({ onOpen, onEnd }: SlotEvents, place: Pick<LiveConnection, "rhythm" | "replace">): LiveConnection {
    const wanted = carried.flatMap((one) => (one === null ? [] : [one.stream.name]));
    const address = deps.nextAddress(ownLinks().map((one) => one.address));
    const connection = deps.connect({ wsUrl: address, names: wanted }, deps, {
      onOpen(active, openedUs) {
        link.openedUs = openedUs;
        coverage.onActive(link, active, openedUs);
        onOpen(link);
      },
      onText: (text, recvUs) => onText(link, text, recvUs),
      onBinary: (bytes, recvUs) => sink.onOdd(`a binary frame of ${bytes} bytes`, "", recvUs),
      onPing: sink.onPing,
      onEnd: (end) => onEnd(link, end),
    });
    const link = createLiveConnection({ address, connection, ...place });
    return link;
  }

  function onText(link: LiveConnection, text: string, recvUs: number): void {
    const message = read(text);
    if (message.type === "data") onData(link, message.data, recvUs);
    else if (message.type === "odd") sink.onOdd(message.reason, text, recvUs);
    else if (message.type === "shutdown") onShutdown(link);
    else if (message.error === null) coverage.onActive(link, link.connection.confirm(message.id ?? 0), recvUs);
    else log.error("the exchange refused a subscription", { host: link.host, reason: message.error });
  }

  function onData(link: LiveConnection, data: DataMessage, recvUs: number): void {
    const one = carried[data.index];
    if (one === null || one === undefined) return;
    link.rhythm.beat(recvUs, link.isSilent ? 0 : link.lastDataUs);
    if (link.firstDataUs === 0 || link.isSilent) {
      coverage.onFlow(link, recvUs);
      isToldSilent = false;
    }
    link.lastDataUs = recvUs;
    coverage.lastDataUs = recvUs;
    if (one.stream.symbol === reference?.symbol) link.join.note(data, recvUs, sink.onDated);
    if (one.isReference) return;
    data.recvUs = recvUs;
    data.mark = contentMark(data.payload);
    let cursor = link.cursors[data.index];
    if (cursor === undefined) {
      cursor = one.sequence.join();
      link.cursors[data.index] = cursor;
    }
    one.rhythm.beat(recvUs, cursor.lastUs >= link.flowingUs ? cursor.lastUs : 0);
    const verdict = one.sequence.judge(cursor, data);
    if (one.sequence.hasGlitch()) onGlitch(one);
    if (one.gap !== null) {
      regain(one, recvUs);
      pending.add(one);
    }
    if (verdict === "duplicate") {
      counts.duplicates++;
      if (one.spans.length > 0) one.lastRecvUs = recvUs;
      return;
    }
    one.lastRecvUs = recvUs;
    one.tries = 0;
    if (one.sequence.holes !== null && one.sequence.holes.waiting() > 0) pending.add(one);
    if (verdict === "epoch") onEpoch(one, data.id, recvUs);
    if (data.unusual) counts.unusual++;
    sink.onData(data);
  }

  function onShutdown(link: LiveConnection): void {
    link.isAnnounced = true;
    log.warn("the exchange announces that it will close this connection; another one is opened", { host: link.host });
    link.replace("the exchange announced its shutdown");
  }

  function onEpoch(one: StreamState, id: number, recvUs: number): void {
    counts.epochs++;
    forgetIds(one);
    log.warn("the exchange counts this stream anew; it is recorded on", { stream: one.stream.name, id });
    sink.onEpoch(one.stream, id, recvUs);
  }

  function onGlitch({ stream, sequence }: StreamState): void {
    const { id, notMissing } = sequence.takeGlitch() ?? { id: 0, notMissing: null };
    log.warn("ids of this stream had jumped and are back; it is recorded on", { stream: stream.name, id });
    if (notMissing !== null) sink.onNotMissing?.(stream, notMissing);
  }

  function onGone(link: LiveConnection, { vain, isPlanned }: { vain: boolean; isPlanned: boolean }): void {
    for (const [index, cursor] of link.cursors.entries())
      if (cursor !== undefined) carried[index]?.sequence.leave(cursor);
    if (vain) coverage.onVain();
    // Of a silent one all has been said already.
    if (link.isSilent) return;
    coverage.onLost(link, { cause: link.isAnnounced && !isPlanned ? "serverShutdown" : "reconnect", isPlanned });
  }

  function watch(now: number): void {
    for (const link of ownLinks()) {
      if (!isConnectionSilent(link, options.staleUs, now)) continue;
      link.isSilent = true;
      if (!isToldSilent)
        log.warn("no data although the connection is open; another one is opened", { host: link.host });
      isToldSilent = true;
      coverage.onLost(link, { cause: "silent", isPlanned: false });
      link.replace("it was silent");
    }
    for (const one of silentStreams(carried, options.staleUs, now)) onSilent(one, now);
  }

  /** A stream is silent while others flow: the exchange has halted it, or another connection may bring it. */
  function onSilent(one: StreamState, now: number): void {
    const isHalted = !deps.mayDeliver(one.stream.symbol);
    const isNew = one.lastRecvUs > 0 ? one.gap === null : one.tries === 0;
    if (isNew && !isHalted)
      log.warn("a stream is silent while others flow; another connection is tried", { stream: one.stream.name });
    // Of what never came nobody can tell since when it is missing.
    if (one.lastRecvUs > 0) lose(one, coverage.lastDataUs, isHalted ? "halted" : "silent", true);
    if (one.gap !== null && isHalted) one.gap.cause = "halted";
    if (isHalted || now < one.nextTryUs) return;
    one.nextTryUs = now + retryUs * 2 ** Math.min(one.tries++, 5);
    legs[0]?.replace("a stream was silent");
  }

  return {
    start: () => {
      for (const leg of legs) leg.start();
    },
    stop() {
      for (const leg of legs) leg.stop();
    },
    change(added, removed) {
      const gone = removed.map(({ name }) => name);
      for (const [index, one] of carried.entries()) {
        if (one === null || !gone.includes(one.stream.name)) continue;
        // What is not over, or waits to be judged, is not forgotten with it.
        if (!one.isReference) sink.onGaps([...judge(one, Number.POSITIVE_INFINITY), ...unjudged(one, nowUs())]);
        carried[index] = null;
      }
      add(added);
      for (const { connection } of ownLinks()) {
        if (gone.length > 0) connection.unsubscribe(gone);
        if (added.length > 0) connection.subscribe(added.map(({ name }) => name));
      }
    },
    streams,
    tick(now, isWaking) {
      if (!isWaking) watch(now);
      for (const leg of legs) leg.tick(now);
      pending.judge(now, liveLinks().length);
    },
    rollOver() {
      for (const leg of legs) leg.replace("it was asked for");
    },
    isChanging: () => legs.some((leg) => leg.isChanging()),
    connections: () => legs.flatMap((leg) => leg.status()),
    openGaps: () => recorded().flatMap((one) => unjudged(one, nowUs())),
    carried: recorded,
    unsettled() {
      const links = ownLinks().filter(({ isSilent }) => !isSilent);
      return carried.flatMap((one, index) => {
        if (one === null || one.isReference) return [];
        const cursors = links.flatMap((link) => link.cursors[index] ?? []);
        return unsettledOf(one, cursors) ?? [];
      });
    },
    predecessor,
  };
}
