import type { RestClient } from "../../binance/rest/rest-client.ts";
import { createSymbolWatch, type SymbolWatch } from "../../binance/rest/symbol-status.ts";
import type { Config } from "../../config/config.ts";
import type { Segment } from "../../domain/day.ts";
import { type Stream, symbolsOf } from "../../domain/stream.ts";
import type { Log } from "../../platform/log/log.ts";
import { createFactsWriter, type FactsWriter } from "../../recorder/facts/facts-writer.ts";
import { hasFilesOf } from "../../storage/list/recorded-symbol.ts";

/** What the exchange says about the symbols. Their states and their facts come with the same answers. */
export type Symbols = {
  readonly symbols: SymbolWatch;
  /** Records the facts. */
  readonly facts: FactsWriter;
  /** Tells whether data of a symbol can be expected, by its state at the exchange. Checks the state soon. */
  readonly mayDeliver: (symbol: string) => boolean;
};

/** Creates the watch and the writer; the watch asks after its `start`. */
export function createSymbols(
  options: { config: Config; dataDir: string; streams: readonly Stream[] },
  deps: { rest: RestClient; nowUs: () => number; onClosed: (segment: Segment) => void; log: Log },
): Symbols {
  const { rest, nowUs, onClosed, log } = deps;
  const segmentMinutes = options.config.record.segment_minutes;
  const facts = createFactsWriter({ dataDir: options.dataDir, segmentMinutes }, { onClosed, log });
  const watched = { symbols: symbolsOf(options.streams) };
  const symbols = createSymbolWatch(watched, {
    ...{ rest, nowUs, onEntries: facts.offer, log },
    wasRecorded: (symbol) => hasFilesOf(options.dataDir, symbol),
  });
  return {
    symbols,
    facts,
    mayDeliver(symbol) {
      const { kind } = symbols.stateOf(symbol);
      if (kind === "trading" || kind === "unchecked") symbols.checkNow();
      return kind === "trading" || kind === "unchecked";
    },
  };
}
