import type { TimeUnit } from "../../domain/market/exchange-time.ts";
import type { ConnectionStatus } from "../../domain/status.ts";
import { createStream, type Stream, typeOfKind } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import type { FeedEvents, FeedGap } from "../gaps/feed-events.ts";
import { gapsOfWaiting, type Interruption } from "../gaps/stream-state.ts";
import { createConnectRateLimit } from "../sockets/connect-rate-limit.ts";
import { type OpenConnection, openConnection } from "../sockets/connection.ts";
import { spreadStreams, streamsPerSocket } from "../sockets/endpoint.ts";
import type { InheritedFeed, Leftover, ParentConnection } from "../sockets/parent-connection.ts";
import { createSuspendDetector } from "../sockets/suspend-detector.ts";
import type { Rollover } from "./rollover-check.ts";
import { createStreamGroup, type StreamGroup } from "./stream-group.ts";
import type { FeedCounts } from "./stream-group-types.ts";
import { leftoversOf, trailOf } from "./upgrade-snapshot.ts";

/** The live source: receives all configured streams over as many sockets as needed, and replaces sockets before their maximum age. */
export type Feed = {
  start(): void;
  /** Closes every socket. No message is delivered afterwards. Idempotent. */
  stop(): void;
  /** Reports missing ids that still wait for late records. Call it after `stop`, unless another process continues. */
  finish(): void;
  /** Replaces the list of streams. Streams that stay are not interrupted. */
  setStreams(streams: readonly Stream[]): void;
  /** Replaces every socket. Each new socket delivers before the old socket is closed. */
  rollOver(): void;
  connections(): readonly ConnectionStatus[];
  /** Returns the gaps that `onGaps` has not reported yet; open gaps end now. */
  openGaps(): readonly FeedGap[];
  counts(): Readonly<FeedCounts>;
  /** Returns how far each stream is, for the child process of an upgrade. */
  trails(): InheritedFeed;
  /** Returns the gaps that have not been reported yet, for the child process. */
  leftovers(): readonly Leftover[];
  /** Returns the spans in which records may be missing if all connections stopped now, because some lag behind others. */
  unsettled(): readonly Leftover[];
  /** The parent process of an upgrade, as long as it records. */
  readonly predecessor: Pick<ParentConnection, "follow" | "leave"> & { checkRollover(): Rollover };
};

export type FeedOptions = {
  readonly streams: readonly Stream[];
  /** Addresses for sockets, used in turn. */
  readonly addresses: readonly string[];
  /** Sockets per stream at the same time; default 1. */
  readonly connections?: number;
  /** Age at which a socket is replaced, hours; default 23. The exchange closes it after 24 hours. */
  readonly rolloverHours?: number;
  /** Fixed silence timeout, ms; null (default): learnt for each socket and stream. */
  readonly staleMs?: number | null;
  /** Unit of times that the exchange is asked for; default ms. */
  readonly timeUnit?: TimeUnit;
  /** How long a rollover waits for streams that are quiet on both sockets, ms; default 2000. */
  readonly lingerMs?: number;
  /** How far the parent process is with these streams; default: there is no parent. */
  readonly inherited?: InheritedFeed;
};

export type FeedDeps = {
  /** Clock for receipt times, µs; must never decrease. */
  readonly nowUs: () => number;
  readonly sink: FeedEvents;
  readonly log: Log;
  /** Returns the gap that an earlier run left in a stream, if any; default: no gaps. */
  readonly interruptionOf?: (stream: Stream) => Interruption | null;
  /** Returns false while the exchange has halted a symbol, or does not know it; default: true. */
  readonly mayDeliver?: (symbol: string) => boolean;
  readonly after?: After;
  readonly connect?: OpenConnection;
  readonly random?: () => number;
};

/** Time between ticks, ms: usually, and during a rollover. */
const usualMs = 500;
const changingMs = 100;

/** Share of the maximum age by which rollovers are spread, so that they do not coincide. */
const spread = 0.05;

/** Longest rollover, µs. */
const deadlineUs = 60_000_000;

/** Creates the feed of these streams. */
export function createFeed(options: FeedOptions, deps: FeedDeps): Feed {
  const { nowUs, sink, log, after = systemAfter, random = Math.random } = deps;
  const connect = deps.connect ?? openConnection;
  const counts: FeedCounts = { duplicates: 0, unusual: 0, reconnects: 0, rollovers: 0, epochs: 0 };
  const connectRateLimit = createConnectRateLimit({
    nowUs,
    after,
    onWait: (ms) => log.warn("connects are delayed to stay far below the exchange's limit", { wait_ms: ms }),
  });
  const suspendDetector = createSuspendDetector(nowUs);
  const connections = options.connections ?? 1;
  const rolloverUs = (options.rolloverHours ?? 23) * 3_600_000_000;
  let nextSlotId = 1;
  let addressesTaken = 0;
  let isRunning = false;
  let cancel = () => {};
  const groups: StreamGroup[] = spreadStreams(options.streams).map(open);

  function open(streams: readonly Stream[]): StreamGroup {
    return createStreamGroup(
      {
        streams,
        reference: referenceOf(streams),
        address: options.addresses[0] ?? "",
        slots: Array.from({ length: connections }, () => ({
          id: nextSlotId++,
          rolloverUs: () => rolloverUs * (1 - spread * random()),
        })),
        staleUs: options.staleMs == null ? null : options.staleMs * 1000,
        rolloverTimes: { lingerUs: (options.lingerMs ?? 2000) * 1000, deadlineUs },
        inherited: options.inherited ?? null,
      },
      {
        nowUs,
        after,
        connectRateLimit,
        random,
        suspendDetector,
        sink,
        counts,
        log,
        connect: (given, ...rest) => connect({ ...given, timeUnit: options.timeUnit ?? "ms" }, ...rest),
        nextAddress,
        interruptionOf: deps.interruptionOf ?? (() => null),
        mayDeliver: deps.mayDeliver ?? (() => true),
      },
    );
  }

  function nextAddress(taken: readonly string[]): string {
    const { addresses } = options;
    const inTurn = addresses.map((_, n) => addresses[(addressesTaken + n) % addresses.length] ?? "");
    addressesTaken++;
    return inTurn.find((address) => !taken.includes(address)) ?? inTurn[0] ?? "";
  }

  function tick(): void {
    const pauseUs = suspendDetector.poll();
    if (pauseUs > 0) log.warn("the process did not run for a while", { seconds: Math.round(pauseUs / 1e6) });
    for (const group of groups) group.tick(nowUs(), pauseUs > 0);
    schedule();
  }

  function schedule(): void {
    if (isRunning) cancel = after(groups.some((group) => group.isChanging()) ? changingMs : usualMs, tick);
  }

  return {
    start() {
      isRunning = true;
      suspendDetector.poll();
      for (const group of groups) group.start();
      schedule();
    },
    stop() {
      isRunning = false;
      cancel();
      for (const group of groups) group.stop();
    },
    finish() {
      const gaps = groups.flatMap((group) => group.states().flatMap(gapsOfWaiting));
      if (gaps.length > 0) sink.onGaps(gaps);
    },
    setStreams(streams) {
      const wanted = new Set(streams);
      for (const group of groups) {
        const removed = group.streams().filter((stream) => !wanted.has(stream));
        for (const stream of group.streams()) wanted.delete(stream);
        if (removed.length > 0) group.change([], removed);
      }
      const unplaced = [...wanted];
      for (const group of groups) {
        const fitting = unplaced.splice(0, Math.max(0, streamsPerSocket - group.streams().length));
        if (fitting.length > 0) group.change(fitting, []);
      }
      for (const ofGroup of spreadStreams(unplaced)) {
        const group = open(ofGroup);
        groups.push(group);
        if (isRunning) group.start();
      }
      for (const [index, group] of [...groups.entries()].reverse()) {
        if (group.streams().length > 0) continue;
        group.stop();
        groups.splice(index, 1);
      }
    },
    rollOver() {
      for (const group of groups) group.rollOver();
      cancel();
      schedule();
    },
    connections: () => groups.flatMap((group) => group.connections()),
    openGaps: () => groups.flatMap((group) => group.openGaps()),
    counts: () => ({ ...counts }),
    trails: () =>
      new Map(groups.flatMap((group) => group.states().map((state) => [state.stream.name, trailOf(state)]))),
    unsettled: () => groups.flatMap((group) => group.unsettled()),
    leftovers: () => groups.flatMap((group) => group.states().flatMap(leftoversOf)),
    predecessor: {
      follow(name, message) {
        for (const { predecessor } of groups) predecessor?.follow(name, message);
      },
      checkRollover() {
        const results = groups.map(({ predecessor }) => predecessor?.checkRollover(nowUs()) ?? "done");
        return (
          results.find((result) => result === "in_vain") ?? results.find((result) => result === "waiting") ?? "done"
        );
      },
      leave(leftovers, stoppedUs) {
        for (const { predecessor } of groups) predecessor?.leave(leftovers, stoppedUs);
      },
    },
  };
}

/** Returns the diff stream that dates the group's books: a recorded stream if possible, else that of the first symbol with books. */
function referenceOf(streams: readonly Stream[]): Stream | null {
  const books = streams.filter(({ type }) => type.kind === "partialDepth");
  const symbols = new Set(books.map(({ symbol }) => symbol));
  const recorded = streams.find(({ type, symbol }) => type.kind === "diffDepth" && symbols.has(symbol));
  const book = books.find(({ type }) => type.speedMs === 100);
  if (recorded !== undefined) return recorded;
  return book === undefined ? null : createStream(book.symbol, typeOfKind("diffDepth"));
}
