import type { Observation } from "../../../server/monitor/observation.ts";
import { beginning, evaluate } from "../../../server/monitor/rules/evaluate.ts";
import { fakeStatus } from "../../support/fakes/fake-status.ts";
import { closed, defaultAlerts, observe, silent, startUs } from "../../support/fakes/observation.ts";

const rounds = 7;
const looks = 2000;

/** What one look of the incident rules costs, all well and with everything silent; a look is taken every five seconds. */
console.log("| symbols | observation | ms an evaluation, median (least to most of 7 runs) |");
console.log("|---|---|---|");
for (const symbols of [300, 1000]) {
  const well = observe(startUs, {}, { symbols: fakeStatus(0, symbols).symbols });
  const gap = { cause: "silent", from_us: startUs - 600e6 } as const;
  const half = well.status.symbols.slice(0, symbols / 2).map(({ symbol }) => symbol);
  const seen = {
    "all is well": well,
    "half are silent": observe(startUs, {}, { symbols: silent(well.status, half, gap) }),
    "network down": observe(
      startUs,
      {},
      { symbols: silent(well.status, "all", gap), connections: closed(well.status) },
    ),
  };
  for (const [name, observation] of Object.entries(seen)) {
    const times = Array.from({ length: rounds }, () => measure(observation)).sort((a, b) => a - b);
    const [median, least, most] = [times[Math.floor(rounds / 2)], times[0], times.at(-1)].map((ms) => ms?.toFixed(4));
    console.log(`| ${symbols} | ${name} | ${median} (${least} to ${most}) |`);
  }
}

function measure(observation: Observation): number {
  let state = beginning({ open: [], ended: [], lastId: 0 }, startUs - 3600e6);
  const began = performance.now();
  for (let n = 0; n < looks; n++) ({ state } = evaluate(state, observation, defaultAlerts, startUs + n * 5e6));
  return (performance.now() - began) / looks;
}
