import type { Fault, FaultKind, Plan } from "./plan.ts";
import { createRandom, type Random } from "./random.ts";

/** How faults of a kind are drawn. */
type Draw = (random: Random, plan: Base) => FaultKind;
type Base = { readonly symbols: readonly string[]; readonly faultyS: number };

const socket = (random: Random) => (random.chance(0.5) ? null : random.between(0, 3));
/** Words of steps at which a kill is most telling. */
const moments = [
  null,
  null,
  "rename",
  "fsync",
  "unlink",
  ".zst",
  "manifest",
  "sql",
  "rt-data",
  "mkdir",
  "open for writing",
  "archive",
  "quarantine",
  "commit",
];
const steps = (random: Random) => (random.chance(0.3) ? 0 : random.between(1, random.chance(0.5) ? 5 : 300));
/** Mostly some seconds, sometimes hours, s. */
const down = (random: Random) =>
  random.chance(0.75)
    ? random.between(1, 20)
    : random.chance(0.7)
      ? random.between(20, 200)
      : random.between(3600, 100_000);

/** Every kind that the swarm knows, with how it is drawn. */
export const draws: Readonly<Record<FaultKind["kind"], Draw>> = {
  cut: (random) => ({ kind: "cut", n: socket(random) }),
  silence: (random) => ({ kind: "silence", n: socket(random), s: random.between(1, 90) }),
  refuse: (random) => ({ kind: "refuse", s: random.between(1, 60) }),
  shutdown: (random) => ({ kind: "shutdown", leadS: random.between(0, 20) }),
  slow_network: (random) => ({ kind: "slow_network", ms: random.between(100, 8000), s: random.between(1, 60) }),
  rest: (random) => ({
    kind: "rest",
    what: random.pick(["silent", "503", "429", "418", "page", "network"] as const),
    s: random.between(1, 60),
  }),
  twice: () => ({ kind: "twice" }),
  odd_frame: (random) => ({ kind: "odd_frame", n: random.between(0, 9) }),
  renumber: (random) => ({ kind: "renumber", stream: random.between(0, 99) }),
  skip_ids: (random) => ({ kind: "skip_ids", stream: random.between(0, 99), by: random.between(1, 5000) }),
  id_glitch: (random) => ({ kind: "id_glitch", stream: random.between(0, 99), by: random.between(1, 500) }),
  kill: (random) => ({ kind: "kill", steps: steps(random), near: random.pick(moments), downS: down(random) }),
  power_loss: (random) => ({
    kind: "power_loss",
    steps: steps(random),
    near: random.pick(moments),
    downS: down(random),
  }),
  stop: (random) => ({ kind: "stop", downS: down(random) }),
  reload: (random, { symbols }) => ({
    kind: "reload",
    symbols: symbols.filter((_, index) => index === 0 || random.chance(0.5)),
  }),
  clock_step: (random) => ({
    kind: "clock_step",
    ms: (random.chance(0.5) ? -1 : 1) * Math.round(50 * 10 ** (random.next() * 8)),
    backAfterS: random.chance(0.7) ? random.between(1, 120) : null,
  }),
  suspend: (random) => ({
    kind: "suspend",
    s: random.chance(0.8) ? random.between(2, 300) : random.between(3600, 40_000),
  }),
  disk_full: (random) => ({ kind: "disk_full", s: random.between(1, 60) }),
  disk_error: (random) => ({
    kind: "disk_error",
    code: random.pick(["EIO", "EROFS", "EDQUOT", "ENODEV"]),
    all: random.chance(0.3),
    s: random.between(1, 60),
  }),
  disk_gone: (random) => ({ kind: "disk_gone", s: random.between(1, 60) }),
  disk_slow: (random) => ({ kind: "disk_slow", ms: random.pick([50, 300, 2000]), s: random.between(1, 60) }),
  sync_fails: (random) => ({ kind: "sync_fails", n: random.between(1, 4) }),
  no_inodes: (random) => ({ kind: "no_inodes", s: random.between(1, 60) }),
  catalogue_locked: (random) => ({ kind: "catalogue_locked", s: random.between(1, 120) }),
  catalogue_fails: (random) => ({ kind: "catalogue_fails", s: random.between(1, 60) }),
  catalogue_gone: () => ({ kind: "catalogue_gone" }),
  catalogue_broken: () => ({ kind: "catalogue_broken" }),
  segment_gone: (random) => ({
    kind: "segment_gone",
    n: random.between(0, 99),
    how: random.pick(["deleted", "truncated", "renamed"] as const),
  }),
};

/** Kinds that the swarm uses only on request: their findings are still open, see README.md. */
export const awaited: readonly FaultKind["kind"][] = ["id_glitch", "clock_step"];

/** Kinds of the suite: no promise breaks in any combination of them. */
export const steadyKinds: readonly FaultKind["kind"][] = [
  "cut",
  "refuse",
  "shutdown",
  "rest",
  "twice",
  "odd_frame",
  "skip_ids",
  "stop",
  "disk_slow",
  "no_inodes",
  "slow_network",
];

/** Kinds that the swarm draws from. */
export const usualKinds = (Object.keys(draws) as FaultKind["kind"][]).filter((kind) => !awaited.includes(kind));

const streamTypes = ["depth20@100ms", "depth@100ms", "aggTrade", "trade", "bookTicker"];
const allSymbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];

/** The plan of a seed: a few kinds of faults, at random times, some of them close together. `kinds`: those that may come. */
export function generate(seed: number, kinds: readonly FaultKind["kind"][]): Plan {
  const random = createRandom(seed);
  const symbols = allSymbols.slice(0, random.between(1, random.chance(0.2) ? 3 : 2));
  const types = streamTypes.filter(() => random.chance(0.5));
  const faultyS = random.between(60, 600);
  const own = kinds.filter(() => random.chance(3.5 / kinds.length));
  const chosen = own.length === 0 ? [random.pick(kinds)] : own;
  const base = { symbols, faultyS };
  const faults: Fault[] = [];
  const everyS = random.pick([5, 10, 20, 40]);
  for (
    let atS = random.wait(everyS);
    atS < faultyS;
    atS += random.chance(0.3) ? random.next() * 2 : random.wait(everyS)
  )
    faults.push({ atS: Math.round(atS * 1000) / 1000, ...draws[random.pick(chosen)](random, base) });
  const beforeMidnightS = random.chance(0.75) ? random.between(0, faultyS + 60) : random.between(700, 80_000);
  return {
    seed,
    symbols,
    types: types.length === 0 ? ["aggTrade"] : types,
    startMs: Date.UTC(2026, 10, 23) - beforeMidnightS * 1000,
    faultyS,
    kindS: 900,
    isAudited: random.chance(0.5),
    paceMs: random.pick([200, 500, 1000, 2000, 4000]),
    settings: drawSettings(random),
    ...(random.chance(0.4) && { pastDays: random.between(1, 20) }),
    faults,
  };
}

/** Settings of the recorder that faults may meet. */
export function drawSettings(random: Random): Plan["settings"] {
  return {
    "record.segment_minutes": random.pick([1, 1, 2, 5]),
    "record.sync": random.pick(["seal", "seal", "flush", "never"]),
    "record.flush_records": random.pick([100, 100, 5]),
    "feed.connections": random.pick([1, 1, 2]),
    "feed.rollover_hours": random.pick([23, 0.05]),
    "archive.retention_days": random.pick([0, 30]),
  };
}
