import type { Log } from "../../platform/log/log.ts";
import type { ScriptedFault } from "./fault-script.ts";
import type { FaultHandle, Faults } from "./faults.ts";

/** Lets the faults of a scenario happen. */
export type FaultPlayer = {
  /** Time 0 of the scenario; the exchange must be listening. */
  start(): void;
  /** Ends the running faults and cancels the rest. Idempotent. */
  stop(): void;
};

/** Plays a scenario once; each beginning and end is logged. */
export function createFaultPlayer(script: readonly ScriptedFault[], deps: { faults: Faults; log: Log }): FaultPlayer {
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const lasting = new Set<FaultHandle>();

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  function begin({ fault, for_ms }: ScriptedFault): void {
    const handle = deps.faults.begin(fault);
    lasting.add(handle);
    deps.log.info("fault begins", { ...fault, for_ms });
    const end = () => {
      handle.end();
      lasting.delete(handle);
      deps.log.info("fault is over", { kind: fault.kind, hits: handle.hits() });
    };
    if (for_ms === 0) end();
    else later(for_ms, end);
  }

  return {
    start() {
      for (const scripted of script) {
        // A timer, even of 0 ms, would let the first frames pass.
        if (scripted.at_ms === 0) begin(scripted);
        else later(scripted.at_ms, () => begin(scripted));
      }
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      for (const handle of lasting) handle.end();
      lasting.clear();
    },
  };
}
