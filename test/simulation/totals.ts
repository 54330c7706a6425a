import { gapCauses } from "../../server/domain/gap.ts";
import { draws } from "./generate.ts";
import type { Report } from "./loop.ts";

/** Adds up the results of many runs and the faults they exercised. */
export function createTotals() {
  const startedMs = performance.now();
  const counts = new Map<string, number>();
  const failed = new Map<string, number>();
  let [runs, seconds, running, faults, failures, crashes, cpu] = [0, 0, 0, 0, 0, 0, 0];

  return {
    add(report: Report) {
      runs++;
      seconds += report.simulatedS;
      running += report.runningS;
      faults += report.faults;
      cpu += report.cpuS;
      for (const [name, count] of report.counts) counts.set(name, (counts.get(name) ?? 0) + count);
      if (report.violations.length === 0) return;
      failures++;
      for (const promise of new Set(report.violations.map((one) => one.promise)))
        failed.set(promise, (failed.get(promise) ?? 0) + 1);
    },
    crashed() {
      crashes++;
    },
    failures: () => failures + crashes,
    summary() {
      const hours = seconds / 3600;
      const took = (performance.now() - startedMs) / 1000;
      const broken = [...failed].map(([promise, count]) => `${promise} ${count}`).join(", ");
      return (
        `${runs} runs, ${hours.toFixed(1)} simulated hours (${(running / 3600).toFixed(1)} of them with a recorder running), ${faults} faults in ${took.toFixed(1)} s; ` +
        `a CPU second simulates ${(hours / cpu).toFixed(1)} hours and ${(faults / cpu).toFixed(0)} faults; ` +
        (failures + crashes === 0
          ? "every promise held"
          : `${failures} runs broke a promise (${broken}), ${crashes} processes crashed`)
      );
    },
    /** Counts of all events; a line with 0 is an event that these runs did not test. */
    table() {
      const known = [
        ...Object.keys(draws).map((kind) => `fault ${kind}`),
        ...gapCauses.map((cause) => `gap ${cause}`),
        ...[...counts.keys()].filter((name) => !name.startsWith("fault ") && !name.startsWith("gap ")).sort(),
      ];
      return known.map((name) => `${String(counts.get(name) ?? 0).padStart(9)}  ${name}`).join("\n");
    },
  };
}
