import { selectionOf } from "../../../server/cli/data/selection.ts";
import { exportInTurn } from "../../../server/cli/export/export-days.ts";
import type { ExportResult } from "../../../server/cli/export/export-plan.ts";
import { marketSettings, planMarket, settingsOfMarket } from "../../../server/cli/export/market-plan.ts";
import type { Flags } from "../../../server/cli/framework/command.ts";
import { createSourceCheck } from "../../../server/storage/read/source-check.ts";

/** Exports for a backtester in this thread, as the command does. Resolves with the results and the problems that were reported. */
export async function exportMarketHere(
  dataDir: string,
  flags: Flags,
): Promise<{ results: readonly ExportResult[]; damages: readonly string[] }> {
  const market = marketSettings(flags);
  if (market === null) throw new Error(`${flags.format} is no format of a backtester`);
  const { signal: stop } = new AbortController();
  const selection = selectionOf({ "data-dir": dataDir, ...pick(flags, ["stream", "symbol", "from", "to"]) });
  const damages: string[] = [];
  const results: ExportResult[] = [];
  const deps = { check: createSourceCheck(stop), gapsOf: () => null, onProgress() {}, stop };
  const onDamage = (path: string, problem: string) => void damages.push(`${path}: ${problem}`);
  const jobs = planMarket(selection, market);
  for await (const { result } of exportInTurn(jobs, settingsOfMarket(market, false), { ...deps, onDamage }))
    results.push(result);
  return { results, damages };
}

function pick(flags: Flags, names: readonly string[]): Flags {
  return Object.fromEntries(names.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])));
}
