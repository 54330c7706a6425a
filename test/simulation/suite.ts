/**
 * The simulator's part of the suite, in one process, as most of its time goes into getting warm. Prints a line of JSON for each part. The
 * swarm's seed is a fresh one and is printed: `bun run test:simulate --seed N --kinds …` plays the same runs again. Storms keep their seed.
 */

import { playCases } from "./cases/play-cases.ts";
import { generate, steadyKinds } from "./generate.ts";
import { tellLies } from "./judge/lies.ts";
import { play } from "./run.ts";
import { generateStorm } from "./storm.ts";

/** Kinds by which runs are compared: processes that end at any step, slow disks, and all else that is drawn while time passes. */
const harshKinds = ["kill", "power_loss", "cut", "suspend", "disk_slow", "catalogue_gone"] as const;

const seed = Math.floor(Math.random() * 1e9);
const tell = (part: string, result: unknown) => console.log(JSON.stringify({ part, result }));

tell("missed lies", await tellLies());
tell("broken cases", await playCases(""));
for (const fresh of [seed, seed + 1]) {
  const { violations, faults, simulatedS } = await play(generate(fresh, steadyKinds));
  tell("swarm", { seed: fresh, faults, simulatedS, violations: violations.slice(0, 5) });
}
for (const fixed of [5, 6]) {
  const { violations, faults } = await play(generateStorm(fixed, steadyKinds));
  tell("storm", { seed: fixed, faults, violations: violations.slice(0, 5) });
}
for (const same of [501, 501, 601]) tell("digest", (await play(generate(same, [...harshKinds]))).digest);
process.exit(0);
