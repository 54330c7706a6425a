import { join } from "node:path";
import type { App } from "../../../app/app.ts";
import type { Config } from "../../../config/config.ts";
import { liveFolder } from "../../../domain/day.ts";
import { decodeLine, recordId } from "../../../domain/line.ts";
import { parseStreamType, type StreamFolder, type StreamTypeName, streamTypeOfFolder } from "../../../domain/stream.ts";
import { isNumbered } from "../../../domain/stream-kinds.ts";
import { journalPath, readJournal } from "../../../journal/journal.ts";
import { existsSync, readFileSync } from "../../../platform/files/files.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { MarketStart } from "../../../simulator/market/symbol-profile.ts";
import { datesOnDisk, segmentFiles } from "../../../storage/list/listing.ts";
import { createPastMarket } from "./past-market.ts";
import { planPast } from "./past-plan.ts";
import { forgetUnfinished, readUnfinished, saveUnfinished, type UnfinishedPast } from "./unfinished-past.ts";
import { createPastWriter, removeUnfinished, writeToday } from "./write-past.ts";

/** Ids of books to leave out after a killed run, which may have used more than it wrote down. They are not contiguous anyway. */
const skippedUpdates = 20_000;

/**
 * Opens the past of a demo. A new folder gets an invented past of some days that ends now; the live market continues its prices and ids.
 * In a folder with data the ids go on after the last recorded ids. So no id ever comes twice, and no trade is missing. A past that an
 * earlier start has not finished is continued.
 */
export function openPast(dataDir: string, { record }: Pick<Config, "record">, days: number, seed: number) {
  const endMs = Date.now();
  const market = createPastMarket(endMs, seed);
  const hasData = existsSync(join(dataDir, "live")) || existsSync(join(dataDir, "archive"));
  const plan = planPast({ days, endMs }, record, market);
  const begun = days > 0 ? readUnfinished(dataDir) : null;
  // Without a journal no recorder has run: the first start was killed before the past of today was complete.
  const isUntouched = !hasData || (begun !== null && !existsSync(journalPath(dataDir)));
  const isNew = isUntouched && days > 0 && plan.streams.length > 0;
  const rest = isNew ? { plan, market } : begun === null ? null : planOf(begun);
  let writer: ReturnType<typeof createPastWriter> | null = null;
  return {
    /** True if this start invents the past. */
    isNew,
    /** Names of the streams that have a past. */
    streams: isNew ? plan.streams.map(({ name }) => name) : [],
    startOf: (symbol: string) => laterOf(market.startOf(symbol), lastIds(dataDir, symbol)),
    /** Writes the part that must be there before the start. */
    writeToday(): void {
      if (!isNew) return;
      const names = { symbols: record.symbols, streams: record.streams.map(({ name }) => name) };
      saveUnfinished(dataDir, { endMs, days, seed, ...names });
      writeToday(dataDir, plan, market);
    },
    /** Writes the other days beside the running demo, as far as an earlier start has not written them. */
    start(deps: { app: App; host: string; onShare: (share: number) => void; log: Log }): void {
      removeUnfinished(dataDir);
      if (rest === null) return;
      const { app, ...others } = deps;
      const options = { dataDir, onArchive: app.adoptArchive, onComplete: () => forgetUnfinished(dataDir), ...others };
      writer = createPastWriter(rest.plan, rest.market, options);
      writer.start();
    },
    stop: async () => await writer?.stop(),
  };
}

/** Returns the past that an earlier start has begun, and its market: they are the same again, record by record. */
function planOf(past: UnfinishedPast) {
  const market = createPastMarket(past.endMs, past.seed);
  const streams = past.streams.flatMap((name) => parseStreamType(name as StreamTypeName) ?? []);
  return { plan: planPast(past, { symbols: past.symbols, streams }, market), market };
}

/** Returns the first free ids after those that the folder's journal and open segments know; null for a new folder. */
function lastIds(dataDir: string, symbol: string): Omit<MarketStart, "price"> | null {
  const journal = existsSync(dataDir) ? readJournal(dataDir) : null;
  const lasts = journal?.lasts().filter((last) => last[1] === symbol) ?? [];
  if (journal === null || lasts.length === 0) return null;
  const isKilled = journal.runs().at(-1)?.clean !== true;
  const after = (isOf: (folder: string) => boolean) => {
    const ids = lasts
      .filter(([folder]) => isOf(folder))
      .map(([folder, , , id]) => Math.max(id ?? 0, isKilled ? highestId(dataDir, folder, symbol) : 0));
    const last = Math.max(0, ...ids);
    return last === 0 ? 0 : last + 1;
  };
  const updateId = after((folder) => folder !== "aggTrade" && folder !== "trade");
  return {
    aggId: after((folder) => folder === "aggTrade"),
    tradeId: after((folder) => folder === "trade"),
    updateId: updateId > 0 && isKilled ? updateId + skippedUpdates : updateId,
  };
}

/** Returns the highest trade id in the newest open segments; 0 without any. A killed run has recorded more than its journal knows. */
function highestId(dataDir: string, stream: StreamFolder, symbol: string): number {
  const kind = streamTypeOfFolder(stream)?.kind;
  if (kind === undefined || !isNumbered(kind)) return 0;
  let highest = 0;
  for (const date of datesOnDisk(dataDir, { stream, symbol }).slice(-2)) {
    const day = { stream, symbol, date };
    for (const name of segmentFiles(dataDir, day).filter((file) => file.endsWith(".jsonl"))) {
      for (const line of readFileSync(join(liveFolder(dataDir, day), name), "latin1").split("\n"))
        if (decodeLine(line) !== null) highest = Math.max(highest, recordId(line, kind) ?? 0);
    }
  }
  return highest;
}

/** Continues after the last ids. Ids that no stream has recorded come from the clock. */
function laterOf(start: MarketStart, last: Omit<MarketStart, "price"> | null): MarketStart {
  if (last === null) return start;
  const later = (name: keyof typeof last) => (last[name] > 0 ? last[name] : start[name]);
  return { price: start.price, aggId: later("aggId"), tradeId: later("tradeId"), updateId: later("updateId") };
}
