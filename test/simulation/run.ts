import "./machine/globals.ts";
import { drainMicrotasks } from "bun:jsc";
import { judgeCatalogue } from "./judge/catalogue.ts";
import { judge, type Violation } from "./judge/judge.ts";
import { judgeLiveness } from "./judge/live.ts";
import { judgeVerify } from "./judge/verify.ts";
import { realTurn } from "./machine/globals.ts";
import { Killed } from "./machine/life.ts";
import { makeZlibSynchronous } from "./machine/zlib.ts";
import type { Plan } from "./plan.ts";
import { beKind, strike } from "./strike.ts";
import { createWorld, dataDir, type World } from "./world.ts";

makeZlibSynchronous();

/** What a run has shown. */
export type Outcome = {
  readonly violations: readonly Violation[];
  readonly digest: string;
  readonly simulatedS: number;
  /** Time of it in which a recorder ran, neither down nor asleep. */
  readonly runningS: number;
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
    const found = judge(world, plan);
    violations.push(...found.violations, ...judgeCatalogue(world, found), ...judgeVerify(world, found));
    const { gaps } = found;
    if (violations.length === 0 && plan.isAudited === true) violations.push(...audit(world, plan));
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
  const digest = world.digest();
  return {
    violations,
    digest,
    simulatedS: (world.scheduler.nowMs() - plan.startMs) / 1000,
    runningS: runningMs(world) / 1000,
    faults: world.struck.length,
    counts: world.counts,
    logs: world.logs,
  };
}

function runningMs({ lives, sleeps, scheduler }: World): number {
  const lived = lives.reduce((sum, life) => sum + (life.endedMs() ?? scheduler.nowMs()) - life.startedMs, 0);
  return lived - sleeps.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

/** After the last fault it is looked at these times whether all is well again, s. */
const looksS = [45, 90, 180, 300];

/** Who sleeps for longer is not struck before it wakes, ms. */
const longMs = 240_000;

/** Mean time that a program has run when a fault strikes that waited for it, ms. */
const awakeMs = 2000;

/** Factor by which the market slows down while no recorder runs, as its events do not matter then. */
const unwatched = 600;

/** The market goes on for ever; faults come at their time; then the world is kind until all is well, for `kindS` at most. */
function playOut(world: World, plan: Plan): readonly Violation[] {
  const { scheduler, market, exchange, random } = world;
  for (const history of market.histories.values()) {
    const next = (): void => {
      exchange.emit(market.happen(history, scheduler.nowMs()));
      const waitMs = Math.min(random.wait(plan.paceMs), plan.paceMs * 6);
      const untilAwakeMs = Math.max(0, world.wakesMs() - scheduler.nowMs());
      scheduler.after(Math.min(waitMs * unwatched, untilAwakeMs + waitMs), next);
    };
    scheduler.after(random.wait(plan.paceMs), next);
  }
  scheduler.at(plan.startMs, world.boot);
  let atS = 0;
  for (const fault of [...plan.faults, null]) {
    const nextS = fault?.atS ?? plan.faultyS;
    world.run(scheduler.nowMs() + (nextS - atS) * 1000);
    atS = nextS;
    // Skips hours in which no process runs.
    if (world.wakesMs() - scheduler.nowMs() > longMs) world.run(world.wakesMs() - longMs / 2);
    if (plan.strikesAwake === true && world.wakesMs() > scheduler.nowMs())
      world.run(world.wakesMs() + random.wait(awakeMs));
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

const dayMs = 86_400_000;

/** On the next day the catalogue is gone, and every day is merged: all must be as before, now from archives and manifests. */
function audit(world: World, plan: Plan): readonly Violation[] {
  const { scheduler, tree } = world;
  world.run(world.wakesMs() - 1);
  tree.remove(`${dataDir}/rt-data.sqlite`);
  world.run(world.wakesMs() + 1);
  const startMs = scheduler.nowMs();
  let violations: readonly Violation[] = [];
  for (const s of [30, 90, 400]) {
    world.run(startMs + s * 1000);
    violations = judgeLiveness(world);
    if (violations.length === 0) break;
  }
  stopAtEnd(world);
  const found = judge(world, plan);
  const all = [...violations, ...found.violations, ...judgeCatalogue(world, found), ...judgeVerify(world, found)];
  return all.map(({ promise, detail }) => ({
    promise,
    detail: `on the next day, with a rebuilt catalogue: ${detail}`,
  }));
}

/** The service is stopped as it should be. */
function stopAtEnd(world: World): void {
  const { scheduler } = world;
  world.stop((Math.floor(scheduler.nowMs() / dayMs) + 1) * (dayMs / 1000) + 3600 - scheduler.nowMs() / 1000);
  world.run(scheduler.nowMs() + 40_000);
  if (world.life() !== null) world.kill(1e9);
  world.run(world.scheduler.nowMs() + 10);
}
