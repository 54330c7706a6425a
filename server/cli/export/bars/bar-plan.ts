import { join } from "node:path";
import { loadArrow } from "../../../export/feather-file.ts";
import { OperatorError } from "../../../platform/errors.ts";
import type { Selection } from "../../data/selection.ts";
import type { ExportPlan } from "../export-plan.ts";
import { type BarFile, createBarFiles, type LeftOutCounts } from "./bar-files.ts";
import { exportBarsOf } from "./bar-job.ts";
import type { BarSettings } from "./bar-settings.ts";
import { type BarSources, barSources } from "./bar-sources.ts";
import { pairName } from "./pair-name.ts";

/** Plans the export of bars or intervals, one symbol after the other. @throws OperatorError if the selection does not fit */
export function planBars(settings: BarSettings, selection: Selection): ExportPlan {
  const { target, format, isFolder, withSymbol, out } = settings;
  const { dataDir, range } = selection;
  const all = barSources(selection, target);
  const symbols = all.map(({ symbol }) => symbol);
  if (symbols.length > 1 && !isFolder && !withSymbol)
    throw new OperatorError(
      `${symbols.length} symbols are recorded (${symbols.slice(0, 6).join(", ")}${symbols.length > 6 ? ", …" : ""}): choose a symbol by --symbol, give a folder as --out, or add a symbol column by --with-symbol`,
    );
  const pairs = new Map(format === "freqtrade" ? symbols.map((symbol) => [symbol, pairName(dataDir, symbol)]) : []);
  const leftOut: LeftOutCounts = { gap: 0, start: 0, end: 0 };
  const noun = target.kind === "bars" ? "bar" : "interval";

  return {
    // Every file of a folder lies below it.
    paths: isFolder ? [join(out, "bars.csv")] : [out],
    emptyText: `no ${noun}s in this range`,
    summary: () => [`${capital(noun)}s are made from ${sourcesInWords(all)}.`, ...leftOutInWords(leftOut, noun)],
    async *run(deps) {
      const arrow = format === "feather" || format === "freqtrade" ? await loadArrow() : null;
      const pairOf = (symbol: string) => pairs.get(symbol) ?? symbol;
      const files = createBarFiles(settings, {
        ...{ range, arrow, pairOf, stop: deps.stop },
        onLeftOut: (reason) => void leftOut[reason]++,
      });
      const event = (file: BarFile) => ({ kind: "written" as const, file });
      try {
        for (const [at, sources] of all.entries()) {
          const onProgress = (share: number) => deps.onProgress((at + share) / all.length, sources.symbol);
          const rows = exportBarsOf(sources, range, settings, { ...deps, onProgress, files });
          for (let next = await rows.next(); ; next = await rows.next()) {
            if (!next.done) yield event(next.value);
            else if (next.value === "written") break;
            else {
              yield { kind: "damaged", name: isFolder ? `the ${noun}s of ${sources.symbol}` : out };
              files.discard();
              if (!isFolder) return;
              break;
            }
          }
        }
        for (const file of await files.finish()) yield event(file);
      } finally {
        files.discard();
      }
    },
  };
}

function sourcesInWords(all: readonly BarSources[]): string {
  const names = all.flatMap(({ book, trades, levels }) => [
    ...(book === null ? [] : [`${book.type.folder} (${levels === 1 ? "1 level" : `${levels} levels`})`]),
    ...(trades === null ? [] : [trades.type.folder]),
  ]);
  return [...new Set(names)].join(" and ");
}

const reasons: Readonly<Record<keyof LeftOutCounts, string>> = {
  gap: "touching a gap that was not backfilled in full",
  start: "begun before the recording",
  end: "not finished",
};

/** Says how many rows were left out, and why; empty if all were written. */
function leftOutInWords(counts: LeftOutCounts, noun: string): string[] {
  const total = counts.gap + counts.start + counts.end;
  if (total === 0) return [];
  const parts = (["gap", "start", "end"] as const)
    .filter((reason) => counts[reason] > 0)
    .map((reason) => `${counts[reason].toLocaleString("en")} ${reasons[reason]}`);
  return [`${total === 1 ? `1 ${noun}` : `${total.toLocaleString("en")} ${noun}s`} left out: ${parts.join(", ")}.`];
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
