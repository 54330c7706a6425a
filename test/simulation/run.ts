import "./machine/globals.ts";
import { drainMicrotasks } from "bun:jsc";
import { judge, type Violation } from "./judge/judge.ts";
import { judgeLiveness } from "./judge/live.ts";
import { realTurn } from "./machine/globals.ts";
import { Killed } from "./machine/life.ts";
import { makeZlibSynchronous } from "./machine/zlib.ts";
import type { Plan } from "./plan.ts";
import { beKind, strike } from "./strike.ts";
import { createWorld, type World } from "./world.ts";

makeZlibSynchronous();

/** What a run has shown. */
export type Outcome = {
  readonly violations: readonly Violation[];
  readonly hash: string;
  readonly simulatedS: number;
  readonly faults: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly logs: readonly string[];
};

const rejections: unknown[] = [];
process.on("unhandledRejection", (error) => {
  if (!(error instanceof Killed)) rejections.push(error);
});

/** Runs a plan to its end and judges it. `tamper` may spoil the files before the judge sees them. */
export async function play(plan: Plan, tamper: (world: World) => void = () => {}): Promise<Outcome> {
  const world = createWorld(plan);
  const violations: Violation[] = [];
  try {
    violations.push(...playOut(world, plan));
    stopAtEnd(world);
    tamper(world);
    const { violations: found, gaps } = judge(world, plan);
    violations.push(...found);
    for (const { cause } of gaps) world.counts.set(`gap ${cause}`, (world.counts.get(`gap ${cause}`) ?? 0) + 1);
  } catch (error) {
    violations.push({ promise: "simulator", detail: error instanceof Error ? (error.stack ?? "") : String(error) });
  } finally {
    world.close();
  }
  await realTurn();
  for (const error of [...rejections.splice(0), ...world.errors])
    violations.push({ promise: "uncaught", detail: error instanceof Error ? (error.stack ?? "") : String(error) });
  drainMicrotasks();
  return {
    violations,
    hash: world.hash(),
    simulatedS: (world.scheduler.nowMs() - plan.startMs) / 1000,
    faults: plan.faults.length,
    counts: world.counts,
    logs: world.logs,
  };
}

/** After the last fault it is looked at these times whether all is well again, s. */
const looksS = [45, 90, 180, 300];

/** Who sleeps for longer is not struck before it wakes, ms. */
const longMs = 240_000;

/** Nobody notices what happens in the market while nobody runs: so much slower it is then. */
const unwatched = 60;

/** The market goes on for ever; faults come at their time; then the world is kind until all is well, for `kindS` at most. */
function playOut(world: World, plan: Plan): readonly Violation[] {
  const { scheduler, market, exchange, random } = world;
  for (const history of market.histories.values()) {
    const next = (): void => {
      exchange.emit(market.happen(history, scheduler.nowMs()));
      const paceMs = plan.paceMs * (world.isAsleep() ? unwatched : 1);
      scheduler.after(Math.min(random.wait(paceMs), paceMs * 6), next);
    };
    scheduler.after(random.wait(plan.paceMs), next);
  }
  scheduler.at(plan.startMs, world.boot);
  let atS = 0;
  for (const fault of [...plan.faults, null]) {
    const nextS = fault?.atS ?? plan.faultyS;
    world.run(scheduler.nowMs() + (nextS - atS) * 1000);
    atS = nextS;
    // Hours in which nothing runs are let pass.
    if (world.wakesMs() - scheduler.nowMs() > longMs) world.run(world.wakesMs() - longMs / 2);
    if (fault !== null) world.turn(() => strike(world, fault));
  }
  beKind(world);
  world.run(Math.max(scheduler.nowMs(), world.wakesMs()) + 1000);
  const kindMs = scheduler.nowMs();
  for (const s of [...looksS.filter((s) => s < plan.kindS), plan.kindS]) {
    world.run(kindMs + s * 1000);
    const found = judgeLiveness(world);
    if (found.length === 0 || s === plan.kindS) return found;
  }
  return [];
}

/** The service is stopped as it should be. */
function stopAtEnd(world: World): void {
  world.stop(1e9);
  world.run(world.scheduler.nowMs() + 40_000);
  if (world.life() !== null) world.kill(1e9);
  world.run(world.scheduler.nowMs() + 10);
}
