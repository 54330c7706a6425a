import { dayStartUs, dayUs } from "../../../domain/day.ts";
import type { StreamType } from "../../../domain/stream.ts";
import { tradeKinds } from "../../../export/bars/bar-trade.ts";
import { bookKinds } from "../../../export/bars/book-row.ts";
import { orderWindowUs } from "../../../export/bars/trade-order.ts";
import { OperatorError } from "../../../platform/errors.ts";
import { type SelectedStream, type Selection, selectRecords } from "../../data/selection.ts";
import type { BarTarget } from "./bar-settings.ts";

/** A stream that rows are made of: the files of its range and around it. */
export type BarSource = { readonly type: StreamType; readonly tracks: readonly SelectedStream[] };

/** The sources of a symbol's rows. Null: not part of the rows. */
export type BarSources = {
  readonly symbol: string;
  readonly trades: BarSource | null;
  readonly book: BarSource | null;
  /** Levels a side that count; 0 without a book. */
  readonly levels: number;
};

const usualLevels = 10;
const tradeNames = "aggTrade or trade";
const bookNames = "depth20, depth10, depth5 or bookTicker";

/**
 * Chooses the streams of each symbol: the deepest recorded book, and aggTrade, or trade if that is not recorded, unless `--stream` names
 * others. They are never mixed. @throws OperatorError if a stream is missing
 */
export function barSources(selection: Selection, target: BarTarget): readonly BarSources[] {
  const chosen = selectRecords(selection);
  const wide = selectRecords({ ...selection, range: wideRange(selection.range) });
  const symbols = [...new Set(chosen.map(({ stream }) => stream.symbol))].sort();
  if (selection.streams !== null) refuseStreams(chosen, target);
  return symbols.map((symbol) => {
    const ofSymbol = chosen.filter(({ stream }) => stream.symbol === symbol);
    const sourceOf = (type: StreamType | null): BarSource | null =>
      type === null
        ? null
        : { type, tracks: wide.filter(({ stream }) => stream.symbol === symbol && stream.type.folder === type.folder) };
    const trades = bestOf(ofSymbol, tradeKinds);
    const book = target.kind === "every" ? bestOf(ofSymbol, bookKinds) : null;
    // Without --stream both parts are wanted; with it, those that it names.
    if (trades === null && (selection.streams === null || target.kind === "bars"))
      throw missing("trades", symbol, tradeNames, target);
    if (book === null && target.kind === "every" && selection.streams === null)
      throw missing("order book", symbol, bookNames, target);
    return { symbol, trades: sourceOf(trades), book: sourceOf(book), levels: levelsOf(book, target) };
  });
}

/** The range with the records around it that are needed to know that its rows are complete. */
function wideRange({ fromUs, toUs }: Selection["range"]): Selection["range"] {
  return {
    fromUs: Number.isFinite(fromUs) ? dayStartUs(fromUs - orderWindowUs) : fromUs,
    toUs: toUs + dayUs,
  };
}

function bestOf(tracks: readonly SelectedStream[], kinds: readonly string[]): StreamType | null {
  const types = tracks.map(({ stream }) => stream.type).filter(({ kind }) => kinds.includes(kind));
  const rank = ({ kind, levels }: StreamType) => kinds.indexOf(kind) * 100 - (levels ?? 0);
  return types.sort((a, b) => rank(a) - rank(b))[0] ?? null;
}

function refuseStreams(tracks: readonly SelectedStream[], { kind }: BarTarget): void {
  const types = new Map(tracks.map(({ stream }) => [stream.type.folder, stream.type]));
  const accepted: readonly string[] = kind === "bars" ? tradeKinds : [...tradeKinds, ...bookKinds];
  const unfit = [...types.values()].find((type) => !accepted.includes(type.kind));
  const sources = kind === "bars" ? tradeNames : `${tradeNames}, and ${bookNames}`;
  if (unfit !== undefined)
    throw new OperatorError(`--${kind} is not made from ${unfit.folder}; give --stream ${sources}`);
  for (const kinds of [tradeKinds, bookKinds] as readonly (readonly string[])[]) {
    const same = [...types.values()].filter((type) => kinds.includes(type.kind)).map(({ folder }) => folder);
    if (same.length > 1)
      throw new OperatorError(`--${kind} does not mix ${same.join(" and ")}; give either by --stream`);
  }
}

function levelsOf(book: StreamType | null, target: BarTarget): number {
  if (book === null || target.kind === "bars") return 0;
  const most = book.levels ?? 1;
  if (target.levels !== null && target.levels > most)
    throw new OperatorError(
      `--levels ${target.levels}: ${book.folder} has ${most === 1 ? "1 level" : `${most} levels`} a side`,
    );
  return target.levels ?? Math.min(usualLevels, most);
}

function missing(what: string, symbol: string, streams: string, { kind }: BarTarget): OperatorError {
  const also = kind === "every" ? ", or choose the recorded part by --stream" : "";
  return new OperatorError(
    `--${kind} needs the ${what} of ${symbol}, but no ${streams} is recorded in this range; choose other symbols by --symbol${also}`,
  );
}
