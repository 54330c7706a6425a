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

/** Receives beside a recorder of another process, and keeps what that one has not recorded until it may be written. */
export type StandbyFeed = {
  readonly clock: ReceiveClock;
  readonly streams: readonly Stream[];
  start(): void;
  stop(): void;
  /** The other process has recorded this. */
  note(name: StreamName, message: Followed): void;
  /** Whether all that the other one records is received here. */
  judge(): ReturnType<Feed["predecessor"]["checkRollover"]>;
  /** The other process receives no more. */
  leave(leftovers: readonly Leftover[], stoppedUs: number, clockOffsetMs: number | null): void;
  /** When the other process stopped to receive, µs; what comes after is this one's alone. */
  stoppedUs(): number;
  /** Local clock minus exchange clock as the other process had it, ms. */
  clockOffsetMs(): number | null;
  /** `handedOver`: records that were kept when `attach` was called. */
  held(): { readonly handedOver: number; readonly mostCharacters: number; readonly isFull: boolean };
  leftovers: Feed["leftovers"];
  /** Hands over what is kept, in the order of receipt, and from now on what is received. */
  attach(deps: {
    sink: FeedEvents;
    mayDeliver: (symbol: string) => boolean;
    saveGaps: (gaps: readonly Gap[]) => void;
    /** Since when streams that are added later are missing. */
    interruptions: ReadonlyMap<Stream, Downtime>;
    /** Is told which streams the other process did not record, and since when they are received here. */
    resume: LeftOut["resume"];
  }): Feed;
};

/** As much as a recorder holds while its disk does not work. */
const mostCharacters = 64 * 1024 * 1024;

/** Frames of unknown form, of which the other process has kept all but the newest. */
const oddKept = 100;

/** The feed of a recorder that begins; `interruptions` tell since when nobody recorded. */
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

/** Where sockets go, and how many; the same for a recorder that begins and for one that takes over. */
function feedOptionsOf(config: Config, streams: readonly Stream[]): FeedOptions {
  const { feed, exchange } = config;
  return {
    streams,
    addresses: addressesOf(exchange.ws_url, exchange.ws_urls),
    connections: feed.connections,
    rolloverHours: feed.rollover_hours,
    staleMs: feed.stale_ms,
  };
}

/** Nothing is opened before `start`. `inherited` tells how far the other process is. */
export function createStandbyFeed(
  options: { config: Config; streams: readonly Stream[]; inherited: InheritedFeed; mostCharacters?: number },
  deps: Pick<FeedDeps, "log" | "after" | "connect" | "random"> & { clock: ReceiveClock },
): StandbyFeed {
  const { config, streams, inherited } = options;
  const limit = options.mostCharacters ?? mostCharacters;
  const known = new Set(streams.map(({ name }) => name));
  /** By stream and id, in the order of receipt. */
  const held = new Map<string, FeedMessage>();
  const gaps: FeedGap[] = [];
  const odd: Parameters<FeedEvents["onOdd"]>[] = [];
  const dated = new Map<Stream, readonly [number, number]>();
  /** The highest id that the other process has of a stream, and when it came. */
  const last = new Map<StreamName, { id: number; us: number }>();
  const dropped = new Map<Stream, { fromUs: number; toUs: number; count: number }>();
  let strangers: readonly Leftover[] = [];
  let ping: readonly [number, number] | null = null;
  let characters = 0;
  let handedOver = 0;
  let most = 0;
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
    // The same id in two numberings: both stay.
    held.set(held.has(key) ? `${key}/${held.size}` : key, { ...message });
    characters += payload.length;
    most = Math.max(most, characters);
  }

  const feed = createStampedFeed(
    { ...feedOptionsOf(config, streams), inherited },
    {
      ...deps,
      mayDeliver: (symbol) => mayDeliver(symbol),
      interruptionOf: (stream) => interruptionIn(interruptions, stream, deps.clock.nowUs()),
      sink: {
        onData: (message) => (attached === null ? hold(message) : attached.onData(message)),
        onGaps: (found) => (attached === null ? void gaps.push(...found) : attached.onGaps(found)),
        onOdd(...found) {
          if (attached !== null) attached.onOdd(...found);
          else if (odd.push(found) > oddKept) odd.shift();
        },
        onEpoch: (...found) => attached?.onEpoch(...found),
        onNotMissing: (...found) => attached?.onNotMissing?.(...found),
        onPing(...found) {
          ping = found;
          attached?.onPing(...found);
        },
        onDated(stream, ...found) {
          if (attached === null) dated.set(stream, found);
          else attached.onDated(stream, ...found);
        },
      },
    },
  );

  /** Receipt of the first record that is held of a stream, µs; null if there is none. */
  function heldSince(stream: Stream): number | null {
    for (const record of held.values()) if (record.stream === stream) return record.recvUs;
    return null;
  }

  /** Receipt does not run back from one process to the next, however late the other one has looked at its clock. */
  function drain(sink: FeedEvents): void {
    const floors = new Map<Stream, number>();
    for (const message of held.values()) {
      const { stream, recvUs, id } = message;
      const before = last.get(stream.name);
      const ownUs = before !== undefined && id > before.id ? Math.max(recvUs, before.us) : recvUs;
      const us = Math.max(ownUs, floors.get(stream) ?? 0);
      floors.set(stream, us);
      sink.onData({ ...message, recvUs: us });
    }
    handedOver = held.size;
    held.clear();
  }

  /** What was not held, and what the other process left of streams that nobody records any more. */
  function lostGaps(): readonly Gap[] {
    const full = [...dropped].map(([{ type, symbol }, { fromUs, toUs, count }]): Gap => {
      const span = { from_us: fromUs, to_us: toUs, cause: "overflow" as const, missing: count, repaired: 0 };
      return { stream: type.folder, symbol, ...span };
    });
    return [...full, ...strangers.flatMap((one) => gapOfLeftover(one, stoppedAtUs))];
  }

  return {
    clock: deps.clock,
    streams,
    start: feed.start,
    stop: feed.stop,
    note(name, message) {
      const { id, recvUs } = message;
      feed.predecessor.follow(name, message);
      const key = keyOf(name, id);
      characters -= held.get(key)?.payload.length ?? 0;
      held.delete(key);
      const before = last.get(name);
      if (before === undefined || id > before.id) last.set(name, { id, us: recvUs });
    },
    judge: feed.predecessor.checkRollover,
    leftovers: feed.leftovers,
    leave(leftovers, stoppedUs, clockOffsetMs) {
      offsetMs = clockOffsetMs;
      stoppedAtUs = stoppedUs;
      strangers = leftovers.filter(({ stream }) => !known.has(stream));
      feed.predecessor.leave(leftovers, stoppedUs);
    },
    stoppedUs: () => stoppedAtUs,
    clockOffsetMs: () => offsetMs,
    held: () => ({ handedOver, mostCharacters: most, isFull: dropped.size > 0 }),
    attach(to) {
      attached = to.sink;
      const added = streams.filter(({ name }) => !inherited.has(name));
      const resumed = to.resume(added.map((stream) => ({ stream, sinceUs: heldSince(stream) })));
      mayDeliver = to.mayDeliver;
      interruptions = to.interruptions;
      if (ping !== null) to.sink.onPing(...ping);
      for (const [stream, found] of dated) to.sink.onDated(stream, ...found);
      drain(to.sink);
      const found = [...resumed, ...gaps];
      if (found.length > 0) to.sink.onGaps(found);
      to.saveGaps(lostGaps());
      // What came before that was the other process's to keep.
      for (const found of odd) if (found[2] > stoppedAtUs) to.sink.onOdd(...found);
      return feed;
    },
  };
}

function keyOf(name: StreamName, id: number): string {
  return `${name}/${id}`;
}

/** One that seems to begin in the future follows a run whose clock was ahead. */
function interruptionIn(interruptions: ReadonlyMap<Stream, Downtime>, stream: Stream, nowUs: number) {
  const downtime = interruptions.get(stream);
  return downtime === undefined ? null : { ...downtime, fromUs: Math.min(downtime.fromUs, nowUs), lastId: null };
}
