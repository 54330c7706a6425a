import type { Plan } from "./plan.ts";

/**
 * Makes a failing plan small: fewer faults, streams and symbols, less time, as long as it `fails` in the same way. Tries at most `most`
 * plans.
 */
export async function shrink(plan: Plan, fails: (plan: Plan) => Promise<boolean>, most = 80): Promise<Plan> {
  let best = plan;
  let tries = 0;

  async function attempt(next: Plan): Promise<boolean> {
    if (tries >= most) return false;
    tries++;
    if (!(await fails(next))) return false;
    best = next;
    return true;
  }

  // A storm is made short first, so that the attempts that follow cost little.
  if (best.isAudited === true) await attempt({ ...best, isAudited: false });
  for (let [least, failing] = [0, best.faults.length]; failing - least > Math.ceil(failing / 16); ) {
    const middle = (least + failing) >> 1;
    if (await attempt(firstOf(best, middle))) failing = middle;
    else least = middle;
  }
  for (let size = best.faults.length >> 1; size >= 4; size >>= 1) await attempt(withoutFirst(best, size));

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
  if ((best.faults[0]?.atS ?? 0) > 30) await attempt(withoutFirst(best, 0));
  const lastS = Math.ceil(Math.max(0, ...best.faults.map(({ atS }) => atS)));
  for (const faultyS of [lastS + 10, lastS + 60])
    if (faultyS < best.faultyS && (await attempt({ ...best, faultyS }))) break;
  await attempt({ ...best, paceMs: 1000 });
  return best;
}

/** The plan up to its n-th fault. */
function firstOf(plan: Plan, n: number): Plan {
  const faults = plan.faults.slice(0, n);
  return { ...plan, faults, faultyS: Math.min(plan.faultyS, Math.ceil((faults.at(-1)?.atS ?? 0) + 10)) };
}

/** The plan without its first n faults and most of the time in which they came. */
function withoutFirst(plan: Plan, n: number): Plan {
  const skippedS = Math.max(0, Math.floor((plan.faults[n]?.atS ?? 0) - 20));
  const faults = plan.faults
    .slice(n)
    .map((fault) => ({ ...fault, atS: Math.round((fault.atS - skippedS) * 1000) / 1000 }));
  return { ...plan, faults, startMs: plan.startMs + skippedS * 1000, faultyS: plan.faultyS - skippedS };
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
