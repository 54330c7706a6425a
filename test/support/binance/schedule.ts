import fc from "fast-check";
import { parseStreamName, type Stream } from "../../../server/domain/stream.ts";

/** Every kind of stream. */
export const streams = [
  "btcusdt@depth20@100ms",
  "btcusdt@aggTrade",
  "btcusdt@depth@100ms",
  "ethusdt@bookTicker",
  "ethusdt@trade",
].map((name) => parseStreamName(name) as Stream);

/** What happens at some moment of a schedule. */
export type Step =
  | { readonly kind: "cut"; readonly n: number }
  | { readonly kind: "repeat"; readonly n: number }
  | { readonly kind: "silence"; readonly n: number; readonly ms: number }
  | { readonly kind: "shutDown"; readonly ms: number }
  | { readonly kind: "refuse"; readonly ms: number }
  | { readonly kind: "rollOver" }
  /** Some ids of a stream are wrong, for everybody or on one connection alone (of whatever streams come next). */
  | { readonly kind: "glitch"; readonly stream: number; readonly by: number; readonly records: number }
  | { readonly kind: "twist"; readonly n: number; readonly by: number; readonly records: number };

const n = fc.nat(7);
const jump = {
  by: fc.oneof(fc.integer({ min: 2, max: 1000 }), fc.integer({ min: -1000, max: -2 })),
  records: fc.integer({ min: 1, max: 5 }),
};
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("cut" as const), n }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("repeat" as const), n }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("silence" as const), n, ms: fc.integer({ min: 4000, max: 9000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("shutDown" as const), ms: fc.integer({ min: 0, max: 4000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("refuse" as const), ms: fc.integer({ min: 100, max: 5000 }) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: "rollOver" as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("glitch" as const), stream: fc.nat(streams.length - 1), ...jump }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("twist" as const), n, ...jump }) },
);

/** Any schedule. */
export const schedule = fc.record({
  connections: fc.integer({ min: 1, max: 2 }),
  handshakeMs: fc.integer({ min: 1, max: 400 }),
  delays: fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 6 }),
  busy: fc.integer({ min: 1, max: 4 }),
  steps: fc.array(fc.tuple(fc.integer({ min: 6_000, max: 45_000 }), step), { maxLength: 12 }),
  // All faults are over by then: a new numbering in the very second of a cut is more than ids can tell.
  restart: fc.option(
    fc.record({
      stream: fc.nat(streams.length - 1),
      by: fc.integer({ min: 1, max: 3000 }),
      cut: fc.option(fc.record({ afterMs: fc.integer({ min: 4000, max: 15_000 }), n })),
    }),
  ),
});

/** What happens to the sockets, and when. */
export type Plan = {
  readonly connections: number;
  readonly handshakeMs: number;
  readonly delays: readonly number[];
  readonly busy: number;
  readonly steps: readonly (readonly [number, Step])[];
  readonly restart: {
    readonly stream: number;
    readonly by: number;
    readonly cut: { readonly afterMs: number; readonly n: number } | null;
  } | null;
};

/** The second connection is cut before its handshake is over, so that its messages never arrive. */
const cutInHandshake: Plan = {
  ...{ connections: 1, handshakeMs: 103, delays: [0], busy: 1, restart: null },
  steps: [28_364, 28_701].map((ms) => [ms, { kind: "cut", n: 0 }]),
};

/** Schedules that were not survived once. */
export const known: readonly Plan[] = [
  cutInHandshake,
  // The last book of the lagging connection and the first book of the next connection came in the same moment.
  {
    ...{ connections: 1, handshakeMs: 1, delays: [1300, 0], busy: 1, restart: null },
    steps: [
      [35_601, { kind: "cut", n: 0 }],
      [35_500, { kind: "rollOver" }],
    ],
  },
  // Wrong ids on one connection right before it is replaced, and books that were doubled.
  {
    connections: 2,
    handshakeMs: 9,
    delays: [1299, 491],
    busy: 1,
    steps: [
      [37104, { kind: "twist", n: 4, by: 418, records: 5 }],
      [38354, { kind: "rollOver" }],
      [42907, { kind: "twist", n: 1, by: -985, records: 5 }],
      [42139, { kind: "silence", n: 2, ms: 5528 }],
      [33510, { kind: "silence", n: 3, ms: 8006 }],
      [10340, { kind: "refuse", ms: 750 }],
      [35187, { kind: "refuse", ms: 611 }],
      [6127, { kind: "cut", n: 3 }],
      [33766, { kind: "cut", n: 2 }],
    ],
    restart: { stream: 2, by: 1994, cut: { afterMs: 7594, n: 1 } },
  },
  // The true ids reach the wrong ids after 18 s, and are lost at that moment.
  {
    connections: 2,
    handshakeMs: 1,
    delays: [0, 101],
    busy: 1,
    steps: [
      [6000, { kind: "cut", n: 0 }],
      [42099, { kind: "shutDown", ms: 101 }],
      [6157, { kind: "cut", n: 3 }],
      [24001, { kind: "twist", n: 7, by: 183, records: 2 }],
    ],
    restart: null,
  },
  // A numbering that seems to begin, and a lagging connection that repeats earlier messages.
  {
    connections: 2,
    handshakeMs: 119,
    delays: [252, 1287, 623, 524, 880],
    busy: 2,
    steps: [
      [16353, { kind: "twist", n: 6, by: -673, records: 1 }],
      [18380, { kind: "twist", n: 5, by: 278, records: 5 }],
      [20462, { kind: "repeat", n: 7 }],
      [31439, { kind: "rollOver" }],
      [32514, { kind: "silence", n: 4, ms: 6576 }],
      [19217, { kind: "glitch", stream: 1, by: -841, records: 1 }],
      [20074, { kind: "twist", n: 2, by: 822, records: 4 }],
      [6134, { kind: "cut", n: 3 }],
    ],
    restart: { stream: 0, by: 1565, cut: { afterMs: 4006, n: 6 } },
  },
  // The last id of a connection is 616 too high; the ids that the next connection leaves out are below it.
  {
    connections: 2,
    handshakeMs: 283,
    delays: [493],
    busy: 2,
    steps: [
      [17179, { kind: "cut", n: 0 }],
      [8565, { kind: "glitch", stream: 4, by: 616, records: 3 }],
      [22850, { kind: "repeat", n: 0 }],
      [24706, { kind: "glitch", stream: 2, by: 99, records: 5 }],
      [31245, { kind: "repeat", n: 1 }],
      [8679, { kind: "silence", n: 3, ms: 8164 }],
      [44323, { kind: "cut", n: 5 }],
      [15692, { kind: "cut", n: 0 }],
      [6698, { kind: "silence", n: 6, ms: 8849 }],
    ],
    restart: { stream: 4, by: 11, cut: { afterMs: 14545, n: 6 } },
  },
  // Several glitches in a row make a numbering of each, while a connection lags three behind.
  {
    connections: 2,
    handshakeMs: 8,
    delays: [426, 1213, 441, 546],
    busy: 1,
    steps: [
      [29148, { kind: "cut", n: 6 }],
      [29760, { kind: "glitch", stream: 2, by: -999, records: 1 }],
      [42902, { kind: "twist", n: 4, by: 980, records: 5 }],
      [9839, { kind: "glitch", stream: 0, by: -611, records: 2 }],
      [16152, { kind: "glitch", stream: 4, by: 364, records: 1 }],
      [9014, { kind: "glitch", stream: 0, by: 773, records: 5 }],
      [33653, { kind: "rollOver" }],
    ],
    restart: { stream: 3, by: 816, cut: { afterMs: 13498, n: 0 } },
  },
  // Ids that were too high a moment before both connections end.
  {
    connections: 2,
    handshakeMs: 24,
    delays: [1085, 500, 555],
    busy: 1,
    steps: [
      [15657, { kind: "refuse", ms: 2674 }],
      [11593, { kind: "repeat", n: 6 }],
      [44994, { kind: "cut", n: 5 }],
      [44987, { kind: "refuse", ms: 1140 }],
      [14721, { kind: "shutDown", ms: 5 }],
      [8943, { kind: "rollOver" }],
      [14095, { kind: "twist", n: 1, by: 808, records: 2 }],
    ],
    restart: { stream: 2, by: 1791, cut: { afterMs: 4003, n: 0 } },
  },
];
