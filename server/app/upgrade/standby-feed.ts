import type { Feed, FeedDeps, FeedOptions } from "../../binance/feed/feed.ts";
import type { FeedEvents, FeedGap, FeedMessage } from "../../binance/gaps/feed-events.ts";
import type { Followed } from "../../binance/gaps/sequence-types.ts";
import { addressesOf } from "../../binance/sockets/endpoint.ts";
import type { InheritedFeed, Leftover } from "../../binance/sockets/parent-connection.ts";
import type { Config } from "../../config/config.ts";
import type { Gap } from "../../domain/gap.ts";
import type { Stream, StreamName } from "../../domain/stream.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";
import type { Downtime } from "../../recorder/recover/downtime.ts";
import type { LeftOut } from "../gaps/left-out.ts";
import { createStampedFeed } from "../recording/stamped-feed.ts";
import { gapOfLeftover } from "./parent-state.ts";

/** The feed of a child process: receives beside the parent and holds records until the parent stops. */
export type StandbyFeed = {
  readonly clock: ReceiveClock;
  readonly streams: readonly Stream[];
  start(): void;
  stop(): void;
  /** Drops a held record, as the parent has recorded it. */
  drop(name: StreamName, message: Followed): void;
  /** Checks whether all messages that the parent records arrive here too. */
  checkRollover(): ReturnType<Feed["predecessor"]["checkRollover"]>;
  /** Call it when the parent has stopped receiving. `leftovers`: the parent's gaps that go on. */
  leave(leftovers: readonly Leftover[], stoppedUs: number, clockOffsetMs: number | null): void;
  /** Returns when the parent stopped receiving, µs. Later messages are recorded by this process only. */
  stoppedUs(): number;
  /** Returns the parent's local clock minus exchange clock, ms. */
  clockOffsetMs(): number | null;
  /** `handedOver`: number of held records that `attach` passed on. `isFull`: some records exceeded the limit and were dropped. */
  held(): { readonly handedOver: number; readonly mostCharacters: number; readonly isFull: boolean };
  leftovers: Feed["leftovers"];
  /** Passes held records on to `sink`, in the order of receipt, and from now on all received messages. */
  attach(deps: {
    sink: FeedEvents;
    mayDeliver: (symbol: string) => boolean;
    saveGaps: (gaps: readonly Gap[]) => void;
    /** For streams that a reload adds: since when they were not recorded. */
    interruptions: ReadonlyMap<Stream, Downtime>;
    /** Called with the streams that the parent did not record, and since when they are received here. */
    resume: LeftOut["resume"];
  }): Feed;
};

/** Limit of held payload characters; as much as a recorder holds while its disk fails. */
const mostCharacters = 64 * 1024 * 1024;

/** Limit of held frames of unknown shape. The parent has quarantined all but the newest. */
const oddKept = 100;

/** Creates the feed of a recorder without a parent. `interruptions`: since when each stream was not recorded. */
export function openFeed(
  options: { config: Config; streams: readonly Stream[]; interruptions: ReadonlyMap<Stream, Downtime> },
  deps: Omit<FeedDeps, "nowUs"> & { clock: ReceiveClock },
): Feed {
  const { config, streams, interruptions } = options;
  return createStampedFeed(feedOptionsOf(config, streams), {
    ...deps,
    interruptionOf: (stream) => interruptionIn(interruptions, stream, deps.clock.nowUs()),
  });
}

/** Returns addresses and number of connections, which are the same with and without a parent. */
function feedOptionsOf(config: Config, streams: readonly Stream[]): FeedOptions {
  const { feed, exchange } = config;
  return {
    streams,
    addresses: addressesOf(exchange.ws_url, exchange.ws_urls),
    timeUnit: exchange.time_unit,
    connections: feed.connections,
    rolloverHours: feed.rollover_hours,
    staleMs: feed.stale_ms,
  };
}

/** Creates the feed; it opens no connection before `start`. `inherited`: the position of the parent in each stream. */
export function createStandbyFeed(
  options: { config: Config; streams: readonly Stream[]; inherited: InheritedFeed; mostCharacters?: number },
  deps: Pick<FeedDeps, "log" | "after" | "connect" | "random"> & { clock: ReceiveClock },
): StandbyFeed {
  const { config, streams, inherited } = options;
  const limit = options.mostCharacters ?? mostCharacters;
  const known = new Set(streams.map(({ name }) => name));
  /** Held records by stream and id, in the order of receipt. */
  const held = new Map<string, FeedMessage>();
  const gaps: FeedGap[] = [];
  const odd: Parameters<FeedEvents["onOdd"]>[] = [];
  const dated = new Map<Stream, readonly [number, number]>();
  /** The parent's highest id of each stream, and its receipt. */
  const parentLast = new Map<StreamName, { id: number; us: number }>();
  const dropped = new Map<Stream, { fromUs: number; toUs: number; count: number }>();
  let strangers: readonly Leftover[] = [];
  let ping: readonly [number, number] | null = null;
  let characters = 0;
  let handedOver = 0;
  let mostHeld = 0;
  let offsetMs: number | null = null;
  let stoppedAtUs = 0;
  let attached: FeedEvents | null = null;
  let mayDeliver: (symbol: string) => boolean = () => true;
  let interruptions: ReadonlyMap<Stream, Downtime> = new Map();

  function hold(message: FeedMessage): void {
    const { stream, payload, recvUs, id } = message;
    if (characters + payload.length > limit) {
      const drop = dropped.get(stream) ?? { fromUs: recvUs, toUs: recvUs, count: 0 };
      dropped.set(stream, { fromUs: drop.fromUs, toUs: recvUs + 1, count: drop.count + 1 });
      return;
    }
    const key = keyOf(stream.name, id);
    // The same id may occur in two numberings: keep both records.
    held.set(held.has(key) ? `${key}/${held.size}` : key, { ...message });
    characters += payload.length;
    mostHeld = Math.max(mostHeld, characters);
  }

  const feed = createStampedFeed(
    { ...feedOptionsOf(config, streams), inherited },
    {
      ...deps,
      mayDeliver: (symbol) => mayDeliver(symbol),
      interruptionOf: (stream) => interruptionIn(interruptions, stream, deps.clock.nowUs()),
      sink: {
        onData: (message) => (attached === null ? hold(message) : attached.onData(message)),
        onGaps: (newGaps) => (attached === null ? void gaps.push(...newGaps) : attached.onGaps(newGaps)),
        onOdd(...frame) {
          if (attached !== null) attached.onOdd(...frame);
          else if (odd.push(frame) > oddKept) odd.shift();
        },
        onEpoch: (...epoch) => attached?.onEpoch(...epoch),
        onNotMissing: (...ids) => attached?.onNotMissing?.(...ids),
        onPing(...newPing) {
          ping = newPing;
          attached?.onPing(...newPing);
        },
        onDated(stream, ...times) {
          if (attached === null) dated.set(stream, times);
          else attached.onDated(stream, ...times);
        },
      },
    },
  );

  /** Returns the receipt of the first held record of a stream, µs; null without held records. */
  function heldSince(stream: Stream): number | null {
    for (const record of held.values()) if (record.stream === stream) return record.recvUs;
    return null;
  }

  /** Passes on all held records. Raises receipt stamps that lie before the parent's, which may have read its clock later. */
  function passOnHeld(sink: FeedEvents): void {
    const floors = new Map<Stream, number>();
    for (const message of held.values()) {
      const { stream, recvUs, id } = message;
      const before = parentLast.get(stream.name);
      const notBeforeParentUs = before !== undefined && id > before.id ? Math.max(recvUs, before.us) : recvUs;
      const us = Math.max(notBeforeParentUs, floors.get(stream) ?? 0);
      floors.set(stream, us);
      sink.onData({ ...message, recvUs: us });
    }
    handedOver = held.size;
    held.clear();
  }

  /** Returns gaps for dropped records, and the parent's open gaps of streams that this process does not record. */
  function lostGaps(): readonly Gap[] {
    const full = [...dropped].map(([{ type, symbol }, { fromUs, toUs, count }]): Gap => {
      const span = { from_us: fromUs, to_us: toUs, cause: "overflow" as const, missing: count, repaired: 0 };
      return { stream: type.folder, symbol, ...span };
    });
    return [...full, ...strangers.flatMap((leftover) => gapOfLeftover(leftover, stoppedAtUs))];
  }

  return {
    clock: deps.clock,
    streams,
    start: feed.start,
    stop: feed.stop,
    drop(name, message) {
      const { id, recvUs } = message;
      feed.predecessor.follow(name, message);
      const key = keyOf(name, id);
      characters -= held.get(key)?.payload.length ?? 0;
      held.delete(key);
      const before = parentLast.get(name);
      if (before === undefined || id > before.id) parentLast.set(name, { id, us: recvUs });
    },
    checkRollover: feed.predecessor.checkRollover,
    leftovers: feed.leftovers,
    leave(leftovers, stoppedUs, clockOffsetMs) {
      offsetMs = clockOffsetMs;
      stoppedAtUs = stoppedUs;
      strangers = leftovers.filter(({ stream }) => !known.has(stream));
      feed.predecessor.leave(leftovers, stoppedUs);
    },
    stoppedUs: () => stoppedAtUs,
    clockOffsetMs: () => offsetMs,
    held: () => ({ handedOver, mostCharacters: mostHeld, isFull: dropped.size > 0 }),
    attach(to) {
      attached = to.sink;
      const added = streams.filter(({ name }) => !inherited.has(name));
      const resumed = to.resume(added.map((stream) => ({ stream, sinceUs: heldSince(stream) })));
      mayDeliver = to.mayDeliver;
      interruptions = to.interruptions;
      if (ping !== null) to.sink.onPing(...ping);
      for (const [stream, times] of dated) to.sink.onDated(stream, ...times);
      passOnHeld(to.sink);
      const newGaps = [...resumed, ...gaps];
      if (newGaps.length > 0) to.sink.onGaps(newGaps);
      to.saveGaps(lostGaps());
      // The parent has quarantined the frames received before that.
      for (const frame of odd) if (frame[2] > stoppedAtUs) to.sink.onOdd(...frame);
      return feed;
    },
  };
}

function keyOf(name: StreamName, id: number): string {
  return `${name}/${id}`;
}

/** Returns the interruption of a stream, or null. A start in the future comes from a run whose clock was ahead; it becomes now. */
function interruptionIn(interruptions: ReadonlyMap<Stream, Downtime>, stream: Stream, nowUs: number) {
  const downtime = interruptions.get(stream);
  return downtime === undefined ? null : { ...downtime, fromUs: Math.min(downtime.fromUs, nowUs), lastId: null };
}
