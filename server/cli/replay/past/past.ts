import { join } from "node:path";
import type { App } from "../../../app/app.ts";
import type { Config } from "../../../config/config.ts";
import { readJournal } from "../../../journal/journal.ts";
import { existsSync } from "../../../platform/files/files.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { MarketStart } from "../../../simulator/market/symbol-profile.ts";
import { createPastMarket } from "./past-market.ts";
import { planPast } from "./past-plan.ts";
import { createPastWriter, removeUnfinished, writeToday } from "./write-past.ts";

/** Ids to leave out after those in the journal. A killed run may have used more than it wrote down: the journal is written every 10 s. */
const skippedIds = {
  clean: { aggId: 1, tradeId: 1, updateId: 1 },
  killed: { aggId: 1000, tradeId: 3000, updateId: 20_000 },
};

/**
 * Opens the past of a demo. A new folder gets an invented past of some days that ends now; the live market continues its prices and ids.
 * In a folder with data the ids go on after the last recorded ids. So no id ever comes twice.
 */
export function openPast(dataDir: string, { record }: Pick<Config, "record">, days: number, seed: number) {
  const endMs = Date.now();
  const market = createPastMarket(endMs, seed);
  const hasData = existsSync(join(dataDir, "live")) || existsSync(join(dataDir, "archive"));
  const plan = planPast({ days, endMs }, record, market);
  const isNew = !hasData && days > 0 && plan.streams.length > 0;
  let writer: ReturnType<typeof createPastWriter> | null = null;
  return {
    /** True if this start invents the past. */
    isNew,
    /** Names of the streams that have a past. */
    streams: isNew ? plan.streams.map(({ name }) => name) : [],
    startOf: (symbol: string) => laterOf(market.startOf(symbol), lastIds(dataDir, symbol)),
    /** Writes the part that must be there before the start. */
    writeToday: () => (isNew ? writeToday(dataDir, plan, market) : undefined),
    /** Writes the other days beside the running demo. */
    start(deps: { app: App; host: string; onShare: (share: number) => void; log: Log }): void {
      removeUnfinished(dataDir);
      if (!isNew) return;
      const { app, ...rest } = deps;
      writer = createPastWriter(plan, market, { dataDir, onArchive: app.adoptArchive, ...rest });
      writer.start();
    },
    stop: async () => await writer?.stop(),
  };
}

/** Returns the first free ids after those that the folder's journal knows; null for a new folder. */
function lastIds(dataDir: string, symbol: string): Omit<MarketStart, "price"> | null {
  const journal = existsSync(dataDir) ? readJournal(dataDir) : null;
  const lasts = journal?.lasts().filter((last) => last[1] === symbol) ?? [];
  if (journal === null || lasts.length === 0) return null;
  const skipped = journal.runs().at(-1)?.clean === true ? skippedIds.clean : skippedIds.killed;
  const after = (name: keyof typeof skipped, isOf: (folder: string) => boolean) => {
    const last = Math.max(0, ...lasts.filter(([folder]) => isOf(folder)).map(([, , , id]) => id ?? 0));
    return last === 0 ? 0 : last + skipped[name];
  };
  return {
    aggId: after("aggId", (folder) => folder === "aggTrade"),
    tradeId: after("tradeId", (folder) => folder === "trade"),
    updateId: after("updateId", (folder) => folder !== "aggTrade" && folder !== "trade"),
  };
}

/** Continues after the last ids. Ids that no stream has recorded come from the clock. */
function laterOf(start: MarketStart, last: Omit<MarketStart, "price"> | null): MarketStart {
  if (last === null) return start;
  const later = (name: keyof typeof last) => (last[name] > 0 ? last[name] : start[name]);
  return { price: start.price, aggId: later("aggId"), tradeId: later("tradeId"), updateId: later("updateId") };
}
