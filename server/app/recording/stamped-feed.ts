import { createFeed, type Feed, type FeedDeps, type FeedOptions } from "../../binance/feed/feed.ts";
import type { FeedEvents, FeedGap } from "../../binance/gaps/feed-events.ts";
import type { InheritedFeed, Leftover } from "../../binance/sockets/parent-connection.ts";
import type { ReceiveClock } from "../../platform/time/receive-clock.ts";

/**
 * A feed that lives by steady time and is seen by the wall clock's: whatever is done to that clock, no timeout fires, no pause is
 * seen and nothing runs backwards inside. All that goes in and comes out carries stamps. A gap in which the clock was set becomes two:
 * up to the step by the clock before, from the step on by the clock after.
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

  /** What the ids prove to be missing is counted with the last one. */
  function stampedGaps(gap: FeedGap): readonly FeedGap[] {
    const spans = spansOf(gap.fromUs, gap.toUs);
    const holes = gap.holes.map((hole) => ({ ...hole, ...spanBy(stampOf, hole) }));
    return spans.map((span, n) =>
      n === spans.length - 1 ? { ...gap, ...span, holes } : { ...gap, ...span, missing: gap.missing && 0, holes: [] },
    );
  }

  function stampedLeftover(left: Leftover): Leftover {
    return { ...left, fromUs: stampOf(left.fromUs), toUs: left.toUs === null ? null : stampOf(left.toUs) };
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
      // By the clock as it is set now: how long ago is what counts here.
      const nowUs = steadyUs();
      const shiftUs = stampOf(nowUs) - nowUs;
      return feed.connections().map((one) => ({
        ...one,
        since_us: one.since_us + shiftUs,
        rollover_us: one.rollover_us === null ? null : one.rollover_us + shiftUs,
        last_recv_us: one.last_recv_us === null ? null : one.last_recv_us + shiftUs,
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
        const left = leftovers.map((one) => ({
          ...one,
          fromUs: steadyOf(one.fromUs),
          toUs: one.toUs === null ? null : steadyOf(one.toUs),
        }));
        feed.predecessor.leave(left, steadyOf(stoppedUs));
      },
    },
  };
}

function spanBy(of: (us: number) => number, { fromUs, toUs }: { fromUs: number; toUs: number }) {
  return { fromUs: of(fromUs), toUs: of(toUs) };
}

/** 0 stands for never and stays. */
function translated(trails: InheritedFeed, of: (us: number) => number): InheritedFeed {
  return new Map(
    [...trails].map(([name, trail]) => {
      const holes = trail.holes.map((hole) => ({ ...hole, ...spanBy(of, hole) }));
      return [name, { ...trail, holes, lastUs: trail.lastUs === 0 ? 0 : of(trail.lastUs) }];
    }),
  );
}
