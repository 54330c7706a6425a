import { createFeed, type Feed, type FeedDeps, type FeedOptions } from "../../binance/feed/feed.ts";
import type { FeedEvents, FeedGap } from "../../binance/gaps/feed-events.ts";
import type { InheritedFeed, Leftover } from "../../binance/sockets/parent-connection.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";

/**
 * Creates a feed that uses steady time inside and wall clock stamps outside. A step of the wall clock therefore causes no timeout, no
 * false pause and no time that runs backwards. Everything that goes in or out carries stamps. A gap in which the clock was set
 * becomes two gaps: up to the step in old time, from the step on in new time.
 */
export function createStampedFeed(
  options: FeedOptions,
  deps: Omit<FeedDeps, "nowUs"> & { readonly clock: ReceiveClock },
): Feed {
  const { steadyUs, stampOf, spansOf, steadyOf } = deps.clock;
  const { interruptionOf } = deps;

  const sink: FeedEvents = {
    onData(message) {
      message.recvUs = stampOf(message.recvUs);
      deps.sink.onData(message);
    },
    onOdd: (reason, text, us) => deps.sink.onOdd(reason, text, stampOf(us)),
    onGaps: (gaps) => deps.sink.onGaps(gaps.flatMap(stampedGaps)),
    onEpoch: (stream, id, us) => deps.sink.onEpoch(stream, id, stampOf(us)),
    onPing: (serverMs, us) => deps.sink.onPing(serverMs, stampOf(us)),
    onDated: (stream, eventMs, us) => deps.sink.onDated(stream, eventMs, stampOf(us)),
  };

  /** Splits a gap at steps of the clock. The last part holds the missing ids and their count. */
  function stampedGaps(gap: FeedGap): readonly FeedGap[] {
    const spans = spansOf(gap.fromUs, gap.toUs);
    const holes = gap.holes.map((ids) => ({ ...ids, ...spanBy(stampOf, ids) }));
    return spans.map((span, n) =>
      n === spans.length - 1 ? { ...gap, ...span, holes } : { ...gap, ...span, missing: gap.missing && 0, holes: [] },
    );
  }

  function stampedLeftover(leftover: Leftover): Leftover {
    const { fromUs, toUs } = leftover;
    return { ...leftover, fromUs: stampOf(fromUs), toUs: toUs === null ? null : stampOf(toUs) };
  }

  const feed = createFeed(
    { ...options, ...(options.inherited && { inherited: translated(options.inherited, steadyOf) }) },
    {
      ...{ ...deps, nowUs: steadyUs, sink },
      ...(interruptionOf && {
        interruptionOf(stream) {
          const known = interruptionOf(stream);
          return known && { ...known, fromUs: steadyOf(known.fromUs) };
        },
      }),
    },
  );

  return {
    ...feed,
    connections() {
      // Shifted by the current clock, so that ages are right.
      const nowUs = steadyUs();
      const shiftUs = stampOf(nowUs) - nowUs;
      return feed.connections().map((slot) => ({
        ...slot,
        since_us: slot.since_us + shiftUs,
        rollover_us: slot.rollover_us === null ? null : slot.rollover_us + shiftUs,
        last_recv_us: slot.last_recv_us === null ? null : slot.last_recv_us + shiftUs,
      }));
    },
    openGaps: () => feed.openGaps().flatMap(stampedGaps),
    trails: () => translated(feed.trails(), stampOf),
    leftovers: () => feed.leftovers().map(stampedLeftover),
    unsettled: () => feed.unsettled().map(stampedLeftover),
    predecessor: {
      follow: (name, message) => feed.predecessor.follow(name, { ...message, recvUs: steadyOf(message.recvUs) }),
      checkRollover: feed.predecessor.checkRollover,
      leave(leftovers, stoppedUs) {
        const steadyLeftovers = leftovers.map((leftover) => ({
          ...leftover,
          fromUs: steadyOf(leftover.fromUs),
          toUs: leftover.toUs === null ? null : steadyOf(leftover.toUs),
        }));
        feed.predecessor.leave(steadyLeftovers, steadyOf(stoppedUs));
      },
    },
  };
}

function spanBy(convert: (us: number) => number, { fromUs, toUs }: { fromUs: number; toUs: number }) {
  return { fromUs: convert(fromUs), toUs: convert(toUs) };
}

/** Converts all times of the inherited streams. 0 means never and stays 0. */
function translated(trails: InheritedFeed, convert: (us: number) => number): InheritedFeed {
  return new Map(
    [...trails].map(([name, trail]) => {
      const holes = trail.holes.map((ids) => ({ ...ids, ...spanBy(convert, ids) }));
      return [name, { ...trail, holes, lastUs: trail.lastUs === 0 ? 0 : convert(trail.lastUs) }];
    }),
  );
}
