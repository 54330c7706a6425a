import { expect, test } from "bun:test";
import fc from "fast-check";
import { gapOf } from "../../../../server/app/gaps/gap-handling.ts";
import { createParentState, gapOfLeftover } from "../../../../server/app/upgrade/parent-state.ts";
import { createStandbyFeed, type StandbyFeed } from "../../../../server/app/upgrade/standby-feed.ts";
import { createFeed } from "../../../../server/binance/feed/feed.ts";
import type { FeedEvents, FeedGap } from "../../../../server/binance/gaps/feed-events.ts";
import type { Gap } from "../../../../server/domain/gap.ts";
import { recordId } from "../../../../server/domain/line.ts";
import { parseStreamName, type Stream } from "../../../../server/domain/stream.ts";
import { silentLog } from "../../../../server/platform/log/log.ts";
import { appConfig } from "../../../support/app-config.ts";
import { createVirtualExchange } from "../../../support/binance/virtual-exchange.ts";
import { createVirtualMarket } from "../../../support/binance/virtual-market.ts";
import { createManualTime } from "../../../support/time/manual-time.ts";
import { randomRuns } from "../../../support/time/random-runs.ts";
import { unsteppedClock } from "../../../support/time/unstepped-clock.ts";

const runs = randomRuns(25);
const startUs = Date.parse("2026-11-22T12:00:00Z") * 1000;

const streams = [
  "btcusdt@depth20@100ms",
  "btcusdt@aggTrade",
  "btcusdt@depth@100ms",
  "ethusdt@bookTicker",
  "ethusdt@trade",
].map((name) => parseStreamName(name) as Stream);

type Step = { readonly kind: "cut" | "repeat"; readonly n: number };

const plans = fc.record({
  connections: fc.integer({ min: 1, max: 2 }),
  handshakeMs: fc.integer({ min: 1, max: 400 }),
  // No messages before the handshake is over.
  delays: fc.array(fc.integer({ min: 200, max: 1500 }), { minLength: 1, maxLength: 6 }),
  busy: fc.integer({ min: 1, max: 4 }),
  /** A stream with only a share of the events. */
  thin: fc.record({ stream: fc.nat(streams.length - 1), of: fc.integer({ min: 1, max: 80 }) }),
  /** Delay of messages between the processes, and from stopping to releasing the folder, ms. */
  channelMs: fc.integer({ min: 1, max: 300 }),
  stoppingMs: fc.integer({ min: 0, max: 3000 }),
});

/** Books that hardly move may lose a book in flight on a cut socket without a trace. */
const plansOfFaults = plans.map((plan) => ({
  ...plan,
  thin: { ...plan.thin, stream: [1, 2, 4][plan.thin.stream % 3] ?? 1 },
}));

const faults = fc.array(
  fc.tuple(
    fc.integer({ min: 7000, max: 18_000 }),
    fc.record({ kind: fc.constantFrom("cut" as const, "cut" as const, "repeat" as const), n: fc.nat(7) }),
  ),
  { maxLength: 8 },
);

/** The quick socket and its successor are cut, and messages in flight on the slow socket end with the old process. */
const bookUnderWay: [Plan, [number, Step][]] = [
  {
    connections: 2,
    handshakeMs: 1,
    delays: [200, 601, 200, 200],
    busy: 1,
    thin: { stream: 1, of: 1 },
    channelMs: 100,
    stoppingMs: 0,
  },
  [
    [10_501, { kind: "cut", n: 3 }],
    [10_013, { kind: "cut", n: 0 }],
  ],
];

type Plan = typeof plans extends fc.Arbitrary<infer T> ? T : never;
type Sent = { readonly stream: Stream; readonly id: number; readonly payload: string; readonly sentUs: number };
type Kept = { readonly payload: string; readonly recvUs: number; readonly by: "old" | "new" };

test(`${runs} handovers between processes, with sockets of any delay: every record once, in the order of its ids, no gap`, () => {
  fc.assert(
    fc.property(plans, (plan) => {
      const { sent, kept, gaps, isHandedOver } = play(plan, []);
      expect(isHandedOver).toBe(true);
      expect(gaps.filter(({ missing }) => missing !== 0)).toEqual([]);
      for (const stream of streams) {
        const lines = kept.get(stream) ?? [];
        const payloads = lines.map(({ payload }) => payload);
        expect(new Set(payloads).size).toBe(payloads.length);
        const own = sent.filter((event) => event.stream === stream).map(({ payload }) => payload);
        const known = new Set(payloads);
        const first = own.findIndex((payload) => known.has(payload));
        expect(own.slice(first).filter((payload) => !known.has(payload))).toEqual([]);
        const merged = lines.toSorted((a, b) => a.recvUs - b.recvUs || (a.by === b.by ? 0 : a.by === "old" ? -1 : 1));
        // Sockets that begin together with different delays may swap their first messages.
        const ids = merged
          .filter(({ recvUs }) => recvUs > startUs + 5_000_000)
          .map(({ payload }) => recordId(payload, stream.type.kind) ?? 0);
        expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      }
    }),
    { numRuns: runs },
  );
}, 300_000);

test(`${runs} upgrades while sockets are cut: no record twice, and every missing record within a gap`, () => {
  fc.assert(
    fc.property(plansOfFaults, faults, (plan, steps) => {
      const { sent, kept, gaps } = play(plan, steps);
      const slowestUs = Math.max(...plan.delays) * 1000;
      for (const stream of streams) {
        const lines = kept.get(stream) ?? [];
        const payloads = lines.map(({ payload }) => payload);
        expect(new Set(payloads).size).toBe(payloads.length);
        const known = new Set(payloads);
        const own = sent.filter((event) => event.stream === stream);
        const first = own.findIndex(({ payload }) => known.has(payload));
        const ofStream = gaps.filter(
          ({ stream: folder, symbol }) => folder === stream.type.folder && symbol === stream.symbol,
        );
        const unexplained = own
          .slice(first)
          .filter(({ payload }) => !known.has(payload))
          .filter(({ sentUs }) => !ofStream.some((gap) => gap.from_us <= sentUs + slowestUs && gap.to_us >= sentUs));
        expect([stream.name, unexplained.map(clock), ofStream.map(describe)]).toEqual([
          stream.name,
          [],
          ofStream.map(describe),
        ]);
        for (const by of ["old", "new"]) {
          const times = lines.filter((line) => line.by === by).map(({ recvUs }) => recvUs);
          expect(times.every((us, at) => at === 0 || us >= (times[at - 1] ?? 0))).toBe(true);
        }
      }
    }),
    { numRuns: runs, examples: [bookUnderWay] },
  );
}, 300_000);

/** Two processes with a line between them, and the exchange, in a time of their own. */
function play(plan: Plan, steps: readonly (readonly [number, Step])[]) {
  const time = createManualTime(startUs / 1000);
  const nowUs = () => Math.round(time.now() * 1000);
  let drawn = 0;
  const delayMs = () => plan.delays[drawn++ % plan.delays.length] ?? 0;
  const exchange = createVirtualExchange(time, { handshakeMs: plan.handshakeMs, delayMs });
  const { after } = time;
  const shared = { nowUs, after, random: () => 0.5, log: silentLog, connect: exchange.connect };
  const sent: Sent[] = [];
  const kept = new Map<Stream, Kept[]>(streams.map((stream) => [stream, []]));
  const gaps: Gap[] = [];
  const take = (found: readonly FeedGap[]) => void gaps.push(...found.map(gapOf));
  const sinkOf = (by: "old" | "new", onGaps: FeedEvents["onGaps"]): FeedEvents => ({
    onData(message) {
      const { stream, payload, recvUs } = message;
      kept.get(stream)?.push({ payload, recvUs, by });
      if (by === "old") departure.onRecorded(message);
    },
    onOdd: (reason, text) => expect.unreachable(`${reason}: ${text}`),
    onGaps,
    onEpoch: (stream) => expect.unreachable(`another numbering of ${stream.name}`),
    onPing() {},
    onDated() {},
  });
  const old = createFeed(
    { streams, addresses: ["ws://one"], connections: plan.connections, lingerMs: 500 },
    { ...shared, sink: sinkOf("old", (found) => departure.onGaps(found)) },
  );
  const departure = createParentState({ feed: () => old, addGaps: take });
  const tell = (work: () => void) => after(plan.channelMs, work);
  let standby: StandbyFeed | null = null;
  let hasLeft = false;
  let isHandedOver = false;

  function begin(): void {
    const inherited = departure.begin((...note) => tell(() => standby?.drop(...note)));
    tell(() => {
      const config = appConfig({ "feed.connections": plan.connections });
      standby = createStandbyFeed({ config, streams, inherited }, { ...shared, clock: unsteppedClock(shared.nowUs) });
      standby.start();
    });
  }

  /** Both processes check; the new process learns over IPC that the old process may stop. */
  function look(): void {
    if (standby === null || hasLeft || standby.checkRollover() !== "done") return;
    hasLeft = true;
    tell(() => leave(nowUs() + 5_000_000));
  }

  function leave(untilUs: number): void {
    if (!departure.isSettled() && nowUs() < untilUs) {
      after(20, () => leave(untilUs));
      return;
    }
    const leftovers = departure.leave();
    const stoppedUs = nowUs();
    tell(() => standby?.leave(leftovers, stoppedUs, null));
    after(plan.channelMs + plan.stoppingMs, attach);
  }

  function attach(): void {
    isHandedOver = true;
    const saveGaps = (found: readonly Gap[]) => void gaps.push(...found);
    standby?.attach({
      sink: sinkOf("new", take),
      mayDeliver: () => true,
      saveGaps,
      interruptions: new Map(),
      resume: () => [],
    });
  }

  const market = createVirtualMarket(streams, plan.busy, (stream, id, payload) => {
    sent.push({ stream, id, payload, sentUs: nowUs() });
    exchange.emit(stream.name, payload);
  });
  old.start();
  for (const [ms, { kind, n }] of steps) after(ms, () => exchange[kind](n));
  after(10_000, begin);
  for (let tick = 1; tick <= 700; tick++) {
    time.advance(100);
    if (tick < 684) market.tick((index) => index !== plan.thin.stream || tick % plan.thin.of === 0);
    look();
  }
  if (!isHandedOver) departure.cancel();
  const open = [...old.leftovers(), ...((standby as StandbyFeed | null)?.leftovers() ?? [])];
  gaps.push(...open.flatMap((one) => gapOfLeftover(one, nowUs())));
  old.stop();
  (standby as StandbyFeed | null)?.stop();
  return { sent, kept, gaps, isHandedOver };
}

function clock({ sentUs }: Sent): string {
  return ((sentUs - startUs) / 1e6).toFixed(3);
}

function describe({ from_us, to_us, cause, missing }: Gap): string {
  return `${cause} ${(from_us - startUs) / 1e6} to ${(to_us - startUs) / 1e6}, missing ${missing}`;
}
