import { drawSettings, draws } from "./generate.ts";
import type { Fault, FaultKind, Plan } from "./plan.ts";
import { createRandom } from "./random.ts";

const streamTypes = ["depth20@100ms", "depth@100ms", "aggTrade", "trade", "bookTicker"];

/** Most downtimes and sleeps of hours in a storm: ten days together, so that no day before the start is due to be removed. */
const mostAbsences = 8;

/** Kinds that end the process. A start reads what all runs before it have left, so that many starts in one folder cost much. */
const ending: ReadonlySet<FaultKind["kind"]> = new Set(["kill", "power_loss", "stop"]);

/**
 * The plan of a seed for a storm: hundreds of faults of a few kinds, seconds apart, on a quiet market. What a fault costs the simulator is
 * mostly the start and the judgement of a run, so that a storm gets far more faults out of the same time than `generate`.
 */
export function generateStorm(seed: number, kinds: readonly FaultKind["kind"][]): Plan {
  const random = createRandom(seed);
  const symbols = ["BTCUSDT", "ETHUSDT"].slice(0, random.chance(0.3) ? 2 : 1);
  const types = streamTypes.filter(() => random.chance(0.4));
  const wanted = random.between(1, 6);
  const own = kinds.filter(() => random.chance(wanted / kinds.length));
  const chosen = own.length === 0 ? [random.pick(kinds)] : own;
  const everyS = random.pick([0.25, 0.5, 1, 2]);
  const count = chosen.some((kind) => ending.has(kind)) ? random.between(60, 160) : random.between(200, 800);
  const faults: Fault[] = [];
  let absences = 0;
  let atS = random.wait(20);
  for (let n = 0; n < count; n++) {
    let kind = draws[random.pick(chosen)](random, { symbols, faultyS: 600 });
    while (lastsLong(kind) && absences >= mostAbsences) kind = draws[kind.kind](random, { symbols, faultyS: 600 });
    if (lastsLong(kind)) absences++;
    faults.push({ atS: Math.round(atS * 1000) / 1000, ...kind });
    // A lull now and then, in which segments are sealed and days merged.
    atS += random.chance(0.02) ? random.between(20, 90) : random.wait(everyS);
  }
  const faultyS = Math.ceil(atS + 5);
  return {
    seed,
    symbols,
    types: types.length === 0 ? ["aggTrade"] : types,
    startMs: Date.UTC(2026, 10, 23) - random.between(0, random.chance(0.75) ? faultyS : 80_000) * 1000,
    faultyS,
    kindS: 900,
    isAudited: random.chance(0.5),
    strikesAwake: true,
    paceMs: random.pick([1000, 2000, 4000]),
    settings: drawSettings(random),
    ...(random.chance(0.4) && { pastDays: random.between(1, 20) }),
    faults,
  };
}

function lastsLong(kind: FaultKind): boolean {
  const s = "downS" in kind ? kind.downS : kind.kind === "suspend" ? kind.s : 0;
  return s >= 3600;
}
