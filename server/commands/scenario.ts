import { createFaultPlayer } from "../exchange/faults/fault-player.ts";
import { readFaultScript } from "../exchange/faults/fault-script.ts";
import { createFaults, type Faults } from "../exchange/faults/faults.ts";
import type { Log } from "../log.ts";

/** The faults of `--faults FILE`: given to the exchange, then started once it listens. */
export type Scenario = { readonly faults: Faults | undefined; start(): void; stop(): void };

/** Without a file nothing goes wrong. Throws an OperatorError with everything that is wrong with the file. */
export function openScenario(file: string | null, seed: number, log: Log): Scenario {
  if (file === null) return { faults: undefined, start() {}, stop() {} };
  const faults = createFaults({ seed });
  return { faults, ...createFaultPlayer(readFaultScript(file), { faults, log }) };
}
