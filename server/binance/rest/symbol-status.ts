import type { SymbolEntry } from "../../domain/symbols/instrument.ts";
import { nearest } from "../../platform/did-you-mean.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { askSymbols, type SymbolAnswer } from "./exchange-info.ts";
import type { RestClient } from "./rest-client.ts";

/**
 * The state of a symbol.
 *
 * | kind      | meaning                                                                                                           |
 * |-----------|-------------------------------------------------------------------------------------------------------------------|
 * | unchecked | the exchange has not been asked yet                                                                               |
 * | trading   | traded now                                                                                                        |
 * | halted    | listed, but not traded now; `status` is the exchange's word (HALT, BREAK, END_OF_DAY, CANCEL_ONLY)                |
 * | delisted  | gone, but it was traded while it was recorded here: delisted or renamed. `renamedTo`: its new name if the exchange |
 * |           | names it, or null                                                                                                 |
 * | unknown   | never recorded here: misspelt, or delisted before; `didYouMean` is the most similar symbol, or null               |
 */
export type SymbolState =
  | { readonly kind: "unchecked" }
  | { readonly kind: "trading" }
  | { readonly kind: "halted"; readonly status: string }
  | { readonly kind: "delisted"; readonly renamedTo: string | null }
  | { readonly kind: "unknown"; readonly didYouMean: string | null };

/** Asks the exchange about the recorded symbols: at start, every ten minutes, and on request. */
export type SymbolWatch = {
  start(): void;
  /** Asks soon, for example after a symbol has fallen silent; at most every 30 s. */
  checkNow(): void;
  /** Replaces the list of symbols. Keeps known states; asks for new symbols soon. */
  setSymbols(symbols: readonly string[]): void;
  /** Returns the state of a symbol; "unchecked" if the symbol is not watched. */
  stateOf(symbol: string): SymbolState;
  stop(): void;
};

const everyMs = 10 * 60_000;
const leastMs = 30_000;
const unchecked: SymbolState = { kind: "unchecked" };

/** Most changes logged by name at once; of the others only the number is logged. */
const mostNamed = 20;

/**
 * Creates the watch. While the exchange does not answer, states do not change. `onChange` is called for each changed state, including the
 * first. A halted or unknown symbol is logged by name, and so is the end of that state. `onEntries` gets the entries of each answer.
 */
export function createSymbolWatch(
  options: { symbols: readonly string[] },
  deps: {
    rest: RestClient;
    onChange?: (symbol: string, state: SymbolState) => void;
    onEntries?: (entries: readonly SymbolEntry[]) => void;
    /** True if records or facts of the symbol exist; asked only about symbols that the exchange does not know. Default: false. */
    wasRecorded?: (symbol: string) => boolean;
    log: Log;
    /** The time of receipt, µs. */
    nowUs?: () => number;
    /** A monotonic clock, ms. */
    now?: () => number;
    after?: After;
  },
): SymbolWatch {
  const { rest, log, nowUs = () => Date.now() * 1000, now = () => performance.now(), after = systemAfter } = deps;
  const states = new Map<string, SymbolState>(options.symbols.map((symbol) => [symbol, unchecked]));
  /** Symbols whose entries could not be stored. */
  let unrecorded = new Set<string>();
  const abort = new AbortController();
  let lastMs = Number.NEGATIVE_INFINITY;
  let isAsking = false;
  let isWanted = false;
  let cancelTimer: (() => void) | null = null;
  let started = false;

  async function check(): Promise<void> {
    cancelTimer?.();
    isAsking = true;
    isWanted = false;
    lastMs = now();
    const symbols = [...states.keys()];
    const isUnknown = (symbol: string) => ["unknown", "delisted"].includes(states.get(symbol)?.kind ?? "");
    let answer: SymbolAnswer | null = null;
    try {
      const asking = { rest, nowUs, signal: abort.signal };
      if (symbols.length > 0) answer = await askSymbols(asking, symbols, new Set(symbols.filter(isUnknown)));
      if (answer !== null && !abort.signal.aborted) {
        updateStates(answer);
        logUnusable(answer.unusable);
        deps.onEntries?.(answer.entries.filter(({ symbol }) => states.has(symbol)));
      }
    } catch (error) {
      log.warn("cannot read the statuses of the symbols; the exchange is asked again", { reason: messageOf(error) });
      answer = null;
    }
    isAsking = false;
    if (abort.signal.aborted) return;
    const isIncomplete = symbols.some((symbol) => !answer?.statuses.has(symbol));
    schedule(isWanted || isIncomplete ? leastMs : everyMs);
  }

  function schedule(ms: number): void {
    cancelTimer?.();
    cancelTimer = after(Math.max(0, ms - (now() - lastMs)), () => void check());
  }

  function updateStates(answer: SymbolAnswer): void {
    const { statuses } = answer;
    let changed = 0;
    for (const [symbol, status] of statuses) {
      const before = states.get(symbol);
      if (before === undefined) continue;
      const state = stateFor(symbol, status, before, answer);
      if (isSame(before, state)) continue;
      states.set(symbol, state);
      if (state.kind !== "trading" || before.kind !== "unchecked") {
        if (changed++ < mostNamed) logState(symbol, state);
      }
      deps.onChange?.(symbol, state);
    }
    if (changed > mostNamed) log.warn("more symbols have changed their status", { symbols: changed - mostNamed });
  }

  function stateFor(
    symbol: string,
    status: string | null,
    before: SymbolState,
    { all, successors }: SymbolAnswer,
  ): SymbolState {
    if (status === "TRADING") return { kind: "trading" };
    if (status !== null) return { kind: "halted", status };
    const wasListed = before.kind === "trading" || before.kind === "halted" || before.kind === "delisted";
    if (wasListed || deps.wasRecorded?.(symbol)) {
      const known = before.kind === "delisted" ? before.renamedTo : null;
      return { kind: "delisted", renamedTo: successors.get(symbol) ?? known };
    }
    const known = before.kind === "unknown" ? before.didYouMean : null;
    return { kind: "unknown", didYouMean: all === null ? known : nearest(symbol, all) };
  }

  /** Logs each symbol once. */
  function logUnusable(unusable: SymbolAnswer["unusable"]): void {
    const fresh = [...unusable].filter(([symbol]) => !unrecorded.has(symbol));
    for (const [symbol, problem] of fresh.slice(0, mostNamed))
      log.warn("cannot record the facts about a symbol", { symbol, reason: `the exchange sent an entry ${problem}` });
    unrecorded = new Set(unusable.keys());
  }

  function logState(symbol: string, state: SymbolState): void {
    if (state.kind === "trading") log.info("the symbol is traded again", { symbol });
    if (state.kind === "halted") {
      const message = "the exchange does not trade this symbol now; recording resumes with trading";
      log.warn(message, { symbol, status: state.status });
    }
    if (state.kind === "delisted") {
      const message =
        "the exchange has delisted or renamed this symbol; its recordings stay. Remove it from record.symbols, or write its new name. Other symbols are recorded";
      log.warn(message, { symbol, renamed_to: state.renamedTo ?? undefined });
    }
    if (state.kind === "unknown") {
      const message =
        "the exchange does not know this symbol: misspelt or delisted; correct or remove it in record.symbols. Other symbols are recorded";
      log.warn(message, { symbol, did_you_mean: state.didYouMean ?? undefined });
    }
  }

  return {
    start() {
      started = true;
      void check();
    },
    checkNow() {
      isWanted = true;
      if (started && !isAsking) schedule(leastMs);
    },
    setSymbols(symbols) {
      const wanted = new Set(symbols);
      for (const symbol of states.keys()) if (!wanted.has(symbol)) states.delete(symbol);
      const hasNew = symbols.some((symbol) => !states.has(symbol));
      for (const symbol of symbols) if (!states.has(symbol)) states.set(symbol, unchecked);
      if (hasNew) this.checkNow();
    },
    stateOf: (symbol) => states.get(symbol) ?? unchecked,
    stop() {
      abort.abort();
      cancelTimer?.();
    },
  };
}

function isSame(a: SymbolState, b: SymbolState): boolean {
  if (a.kind === "halted" && b.kind === "halted") return a.status === b.status;
  if (a.kind === "delisted" && b.kind === "delisted") return a.renamedTo === b.renamedTo;
  return a.kind === b.kind;
}
