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
    playOut(world, plan);
    violations.push(...judgeLiveness(world));
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

/** The market goes on for ever; faults come at their time; then the world is kind for a while. */
function playOut(world: World, plan: Plan): void {
  const { scheduler, market, exchange, random } = world;
  for (const history of market.histories.values()) {
    const next = (): void => {
      exchange.emit(market.happen(history, scheduler.nowMs()));
      scheduler.after(Math.min(random.wait(plan.paceMs), plan.paceMs * 6), next);
    };
    scheduler.after(random.wait(plan.paceMs), next);
  }
  for (const fault of plan.faults) scheduler.at(plan.startMs + fault.atS * 1000, () => strike(world, fault));
  scheduler.at(plan.startMs, world.boot);
  world.run(plan.startMs + plan.faultyS * 1000);
  beKind(world);
  world.run(scheduler.nowMs() + plan.kindS * 1000);
}

/** The service is stopped as it should be. */
function stopAtEnd(world: World): void {
  world.stop(1e9);
  world.run(world.scheduler.nowMs() + 40_000);
  if (world.life() !== null) world.kill(1e9);
  world.run(world.scheduler.nowMs() + 10);
}
