import type { Plan } from "../plan.ts";

/** A plan by which the simulator once found a defect, or by which a defect is shown, and what it was. */
export type Case = { readonly name: string; readonly plan: Plan };

/** Plans that hold, and have to go on holding. */
export const cases: readonly Case[] = [
  {
    name: "a socket that was dead when the machine woke leaves a gap of quiet streams as well",
    plan: {
      seed: 714785877,
      symbols: ["BTCUSDT"],
      types: ["depth@100ms", "aggTrade", "bookTicker"],
      faultyS: 57,
      kindS: 900,
      paceMs: 500,
      settings: {},
      startMs: Date.parse("2026-11-22T23:58:24.000Z"),
      faults: [
        { atS: 46.385, kind: "suspend", s: 95 },
        { atS: 46.597, kind: "silence", n: null, s: 70 },
      ],
    },
  },
  {
    name: "an answer about the time that was waited for in a sleep does not make the clock wrong",
    plan: {
      seed: 1001,
      symbols: ["BTCUSDT"],
      types: ["depth@100ms"],
      faultyS: 289,
      kindS: 900,
      paceMs: 1000,
      settings: {},
      startMs: Date.parse("2026-11-22T23:55:27.000Z"),
      faults: [
        { atS: 7.978, kind: "suspend", s: 7337 },
        { atS: 23.825, kind: "suspend", s: 63 },
        { atS: 150.427, kind: "suspend", s: 30151 },
        { atS: 158.432, kind: "suspend", s: 29134 },
        { atS: 278.542, kind: "suspend", s: 291 },
      ],
    },
  },
  {
    name: "a book of an hour whose file could not be synced does not keep the days from being merged",
    plan: {
      seed: 1003,
      symbols: ["BTCUSDT"],
      types: ["depth@100ms"],
      faultyS: 81,
      kindS: 900,
      paceMs: 1000,
      settings: {},
      startMs: Date.parse("2026-11-22T23:59:26.000Z"),
      faults: [{ atS: 20.148, kind: "disk_error", code: "EDQUOT", all: false, s: 60 }],
    },
  },
  {
    name: "a disk that is away at midnight does not put the merge off to the next midnight",
    plan: {
      seed: 1004,
      symbols: ["BTCUSDT"],
      types: ["aggTrade"],
      faultyS: 75,
      kindS: 900,
      paceMs: 1000,
      settings: {},
      startMs: Date.parse("2026-11-22T23:59:00.000Z"),
      faults: [{ atS: 64.161, kind: "disk_error", code: "ENODEV", all: true, s: 36 }],
    },
  },
  {
    name: "what a power loss has taken of a segment that was not synced lies in a gap",
    plan: {
      seed: 1001,
      symbols: ["BTCUSDT", "ETHUSDT"],
      types: ["depth20@100ms", "depth@100ms", "aggTrade", "bookTicker"],
      faultyS: 18,
      kindS: 900,
      paceMs: 1000,
      settings: {},
      startMs: Date.parse("2026-11-22T23:51:09.000Z"),
      faults: [{ atS: 7.978, kind: "power_loss", steps: 5, near: "archive", downS: 15 }],
    },
  },
  {
    name: "network down, connections refused, the exchange's own end, and restarts",
    plan: {
      seed: 7,
      symbols: ["BTCUSDT", "ETHUSDT"],
      types: ["depth20@100ms", "depth@100ms", "aggTrade"],
      faultyS: 120,
      kindS: 420,
      paceMs: 500,
      settings: { "record.segment_minutes": 1 },
      startMs: Date.parse("2026-11-22T23:59:00.000Z"),
      faults: [
        { atS: 20, kind: "cut", n: null },
        { atS: 30, kind: "refuse", s: 20 },
        { atS: 58, kind: "shutdown", leadS: 5 },
        { atS: 80, kind: "stop", downS: 10 },
        { atS: 100, kind: "kill", steps: 0, near: null, downS: 10 },
      ],
    },
  },
  {
    name: "a kill a moment after a hole in the diffs, before it is written down, leaves a gap",
    plan: {
      seed: 9555,
      symbols: ["BTCUSDT", "ETHUSDT"],
      types: ["depth@100ms", "aggTrade", "bookTicker"],
      faultyS: 30,
      kindS: 900,
      isAudited: false,
      paceMs: 500,
      settings: {},
      startMs: Date.parse("2026-11-22T04:07:56.000Z"),
      faults: [
        { atS: 9.711, kind: "kill", steps: 2, near: "fsync", downS: 19 },
        { atS: 19.014, kind: "cut", n: 0 },
      ],
    },
  },
  {
    name: "a gap of what a slow disk did not take before the stop was over has no record in it that it took afterwards",
    plan: {
      seed: 424358,
      symbols: ["BTCUSDT"],
      types: ["trade"],
      faultyS: 244,
      kindS: 900,
      paceMs: 1000,
      settings: { "record.segment_minutes": 1 },
      startMs: Date.parse("2026-11-22T23:54:06.000Z"),
      faults: [
        { atS: 41.092, kind: "disk_slow", ms: 2000, s: 37 },
        { atS: 59.283, kind: "no_inodes", s: 43 },
        { atS: 203.571, kind: "no_inodes", s: 44 },
        { atS: 225.962, kind: "disk_slow", ms: 2000, s: 50 },
        { atS: 232.192, kind: "odd_frame", n: 7 },
        { atS: 233.007, kind: "stop", downS: 16 },
      ],
    },
  },
  {
    name: "diffs in a file that somebody has cut short while nobody ran lie in a gap",
    plan: {
      seed: 9201,
      symbols: ["BTCUSDT", "ETHUSDT", "SOLUSDT"],
      types: ["depth@100ms"],
      faultyS: 233,
      kindS: 900,
      paceMs: 1000,
      settings: {},
      startMs: Date.parse("2026-11-22T05:52:42.000Z"),
      faults: [
        { atS: 208.313, kind: "kill", steps: 0, near: "archive", downS: 15 },
        { atS: 222.076, kind: "segment_gone", n: 47, how: "truncated" },
      ],
    },
  },
];
