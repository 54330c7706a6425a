import type { ConnectionStatus } from "../../domain/status.ts";
import { createStream, type Stream, typeOfKind } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import type { FeedEvents, FeedGap } from "../gaps/feed-events.ts";
import type { Interruption } from "../gaps/stream-state.ts";
import { createConnectRateLimit } from "../sockets/connect-rate-limit.ts";
import { type OpenConnection, openConnection } from "../sockets/connection.ts";
import { spreadStreams, streamsPerSocket } from "../sockets/endpoint.ts";
import type { InheritedFeed, Leftover, ParentConnection } from "../sockets/parent-connection.ts";
import { createSuspendDetector } from "../sockets/suspend-detector.ts";
import type { Rollover } from "./rollover-check.ts";
import { createStreamGroup, type StreamGroup } from "./stream-group.ts";
import type { FeedCounts } from "./stream-group-types.ts";
import { leftoversOf, trailOf } from "./upgrade-snapshot.ts";

/** The live source: every configured stream, over as many sockets as it takes, changed before they grow old, as long as it runs. */
export type Feed = {
  start(): void;
  /** Closes every socket; nothing is delivered afterwards. Idempotent. */
  stop(): void;
  /** From now on these streams; those that stay are not touched. */
  setStreams(streams: readonly Stream[]): void;
  /** Replaces every socket, each by one that delivers before the old one is closed. */
  rollOver(): void;
  connections(): readonly ConnectionStatus[];
  /** Gaps that `onGaps` has not been told of yet, up to now. */
  openGaps(): readonly FeedGap[];
  counts(): Readonly<FeedCounts>;
  /** How far each stream is, and what its gaps are, for a process that is to go on with them. */
  trails(): InheritedFeed;
  leftovers(): readonly Leftover[];
  /** What would be missing if nothing more were received, since some connections lag behind others. */
  unsettled(): readonly Leftover[];
  /** The process that these streams were inherited from, as long as it records. */
  readonly predecessor: Pick<ParentConnection, "note" | "leave"> & { judge(): Rollover };
};

export type FeedOptions = {
  readonly streams: readonly Stream[];
  /** Where sockets go, in turn. */
  readonly addresses: readonly string[];
  /** Sockets that carry each stream at the same time; default 1. */
  readonly connections?: number;
  /** Age at which a socket is replaced, hours; default 23. The exchange ends it at 24. */
  readonly rolloverHours?: number;
  /** Silence that is too long, ms; null (default): each socket's and stream's own rhythm tells. */
  readonly staleMs?: number | null;
  /** How long a change of sockets waits for streams that are quiet on both, ms; default 2000. */
  readonly lingerMs?: number;
  /** How far a process is that still records these streams, by their names; default: there is none. */
  readonly inherited?: InheritedFeed;
};

export type FeedDeps = {
  /** Stamps receipt; must never decrease. */
  readonly nowUs: () => number;
  readonly sink: FeedEvents;
  readonly log: Log;
  /** What an earlier run left of a stream; default: nothing. */
  readonly interruptionOf?: (stream: Stream) => Interruption | null;
  /** False while the exchange has halted a symbol, or does not know it; default: true. */
  readonly mayDeliver?: (symbol: string) => boolean;
  readonly after?: After;
  readonly connect?: OpenConnection;
  readonly random?: () => number;
};

/** How often is looked after everything, ms: usually, and while sockets are changed. */
const usualMs = 500;
const changingMs = 100;

/** The part of a socket's time by which changes are spread, so that not all come at once. */
const spread = 0.05;

/** Handovers are decided by then at the latest, µs. */
const deadlineUs = 60_000_000;

/** The feed of these streams. */
export function createFeed(options: FeedOptions, deps: FeedDeps): Feed {
  const { nowUs, sink, log, after = systemAfter, random = Math.random } = deps;
  const counts: FeedCounts = { duplicates: 0, unusual: 0, reconnects: 0, rollovers: 0, epochs: 0 };
  const pacer = createConnectRateLimit({
    nowUs,
    after,
    onWait: (ms) => log.warn("connects are held back to stay far below the exchange's limit", { wait_ms: ms }),
  });
  const sleep = createSuspendDetector(nowUs);
  const connections = options.connections ?? 1;
  const rolloverUs = (options.rolloverHours ?? 23) * 3_600_000_000;
  let nextLeg = 1;
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
        legs: Array.from({ length: connections }, () => ({
          id: nextLeg++,
          rolloverUs: () => rolloverUs * (1 - spread * random()),
        })),
        staleUs: options.staleMs == null ? null : options.staleMs * 1000,
        handover: { lingerUs: (options.lingerMs ?? 2000) * 1000, deadlineUs },
        inherited: options.inherited ?? null,
      },
      {
        ...{ nowUs, after, pacer, random, sleep, sink, counts, log },
        connect: deps.connect ?? openConnection,
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
    const pauseUs = sleep.look();
    if (pauseUs > 0) log.warn("nothing ran for a while", { seconds: Math.round(pauseUs / 1e6) });
    for (const group of groups) group.tick(nowUs(), pauseUs > 0);
    schedule();
  }

  function schedule(): void {
    if (isRunning) cancel = after(groups.some((group) => group.isChanging()) ? changingMs : usualMs, tick);
  }

  return {
    start() {
      isRunning = true;
      sleep.look();
      for (const group of groups) group.start();
      schedule();
    },
    stop() {
      isRunning = false;
      cancel();
      for (const group of groups) group.stop();
    },
    setStreams(streams) {
      const wanted = new Set(streams);
      for (const group of groups) {
        const removed = group.streams().filter((stream) => !wanted.has(stream));
        for (const stream of group.streams()) wanted.delete(stream);
        if (removed.length > 0) group.change([], removed);
      }
      const left = [...wanted];
      for (const group of groups) {
        const room = left.splice(0, Math.max(0, streamsPerSocket - group.streams().length));
        if (room.length > 0) group.change(room, []);
      }
      for (const streamsOf of spreadStreams(left)) {
        const group = open(streamsOf);
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
    trails: () => new Map(groups.flatMap((group) => group.carried().map((one) => [one.stream.name, trailOf(one)]))),
    unsettled: () => groups.flatMap((group) => group.unsettled()),
    leftovers: () => groups.flatMap((group) => group.carried().flatMap(leftoversOf)),
    predecessor: {
      note(name, message) {
        for (const { predecessor } of groups) predecessor?.note(name, message);
      },
      judge() {
        const results = groups.map(({ predecessor }) => predecessor?.judge(nowUs()) ?? "done");
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

/** The diffs that date the group's books: recorded ones if there are any, else those of its first symbol with books. */
function referenceOf(streams: readonly Stream[]): Stream | null {
  const books = streams.filter(({ type }) => type.kind === "partialDepth");
  const symbols = new Set(books.map(({ symbol }) => symbol));
  const recorded = streams.find(({ type, symbol }) => type.kind === "diffDepth" && symbols.has(symbol));
  const book = books.find(({ type }) => type.speedMs === 100);
  if (recorded !== undefined) return recorded;
  return book === undefined ? null : createStream(book.symbol, typeOfKind("diffDepth"));
}
