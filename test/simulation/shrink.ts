import type { Plan } from "./plan.ts";

/**
 * Makes a failing plan small: fewer faults, streams and symbols, less time, as long as it `fails` in the same way. Tries at most `most`
 * plans.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>, most = 60): Promise<Plan> {
  let best = plan;
  let tries = 0;

  async function attempt(next: Plan): Promise<boolean> {
    if (tries >= most) return false;
    tries++;
    if (!(await fails(next))) return false;
    best = next;
    return true;
  }

  for (let size = Math.ceil(best.faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = best.faults.length - size; from > -size; from -= size) {
      const start = Math.max(0, from);
      const faults = best.faults.filter((_, index) => index < start || index >= start + size);
      if (faults.length < best.faults.length) await attempt({ ...best, faults });
    }
  }
  for (const symbol of best.symbols.slice(1))
    await attempt({ ...best, symbols: best.symbols.filter((one) => one !== symbol) });
  for (const type of best.types)
    if (best.types.length > 1) await attempt({ ...best, types: best.types.filter((one) => one !== type) });
  for (const key of Object.keys(best.settings)) {
    const { [key]: _, ...settings } = best.settings;
    await attempt({ ...best, settings });
  }
  const lastS = Math.ceil(Math.max(0, ...best.faults.map(({ atS }) => atS)));
  for (const faultyS of [lastS + 10, lastS + 60])
    if (faultyS < best.faultyS && (await attempt({ ...best, faultyS }))) break;
  await attempt({ ...best, paceMs: 1000 });
  return best;
}

/** The plan as it is kept under `cases/`. */
export function planText(plan: Plan): string {
  const { faults, startMs, ...rest } = plan;
  const members = Object.entries(rest).map(([key, value]) => `  ${key}: ${JSON.stringify(value)},`);
  const time = `  startMs: Date.parse("${new Date(startMs).toISOString()}"),`;
  return [
    "{",
    ...members,
    time,
    "  faults: [",
    ...faults.map((fault) => `    ${JSON.stringify(fault)},`),
    "  ],",
    "}",
  ].join("\n");
}
