import { nearest } from "../../platform/did-you-mean.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { askStatuses, type SymbolStatuses } from "./exchange-info.ts";
import type { RestClient } from "./rest-client.ts";

/**
 * What is known of a symbol. "halted": listed, but not traded now, `status` being the exchange's own word (HALT, BREAK, END_OF_DAY,
 * CANCEL_ONLY); "unknown": misspelt or delisted, `didYouMean` being the most similar symbol that there is, if any.
 */
export type SymbolState =
  | { readonly kind: "unchecked" }
  | { readonly kind: "trading" }
  | { readonly kind: "halted"; readonly status: string }
  | { readonly kind: "unknown"; readonly didYouMean: string | null };

/** Asks the exchange about the recorded symbols, at start, every ten minutes and when it is told to. */
export type SymbolWatch = {
  start(): void;
  /** Asks soon, but never more often than every half minute: a symbol has fallen silent, say. */
  checkNow(): void;
  /** Other symbols from now on; what is known of those that stay is kept, new ones are asked for soon. */
  setSymbols(symbols: readonly string[]): void;
  /** "unchecked" also for a symbol that is not watched. */
  stateOf(symbol: string): SymbolState;
  stop(): void;
};

const everyMs = 10 * 60_000;
const leastMs = 30_000;
const unchecked: SymbolState = { kind: "unchecked" };

/** Changes told by name at once; of more only their number is told. */
const mostTold = 20;

/**
 * Nothing waits for it: while the exchange does not answer, states stay what they were. `onChange` is called for each state that
 * is another than before, the first one included; what is not as it should be is logged by name, and so is its end.
 */
export function createSymbolWatch(
  options: { symbols: readonly string[] },
  deps: {
    rest: RestClient;
    onChange?: (symbol: string, state: SymbolState) => void;
    log: Log;
    /** Any clock that does not run backwards, ms. */
    now?: () => number;
    after?: After;
  },
): SymbolWatch {
  const { rest, log, now = () => performance.now(), after = systemAfter } = deps;
  const states = new Map<string, SymbolState>(options.symbols.map((symbol) => [symbol, unchecked]));
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
    const isUnknown = (symbol: string) => states.get(symbol)?.kind === "unknown";
    let found: SymbolStatuses | null = null;
    try {
      if (symbols.length > 0)
        found = await askStatuses(rest, symbols, {
          doubtful: new Set(symbols.filter(isUnknown)),
          signal: abort.signal,
        });
      if (found !== null && !abort.signal.aborted) note(found);
    } catch (error) {
      log.warn("cannot read what the exchange says of the symbols; it is asked again", { reason: messageOf(error) });
      found = null;
    }
    isAsking = false;
    if (abort.signal.aborted) return;
    schedule(isWanted || (found === null && symbols.length > 0) ? leastMs : everyMs);
  }

  function schedule(ms: number): void {
    cancelTimer?.();
    cancelTimer = after(Math.max(0, ms - (now() - lastMs)), () => void check());
  }

  function note({ statuses, all }: SymbolStatuses): void {
    let told = 0;
    for (const [symbol, status] of statuses) {
      const before = states.get(symbol);
      if (before === undefined) continue;
      const state = stateFor(symbol, status, before, all);
      if (isSame(before, state)) continue;
      states.set(symbol, state);
      if (state.kind !== "trading" || before.kind !== "unchecked") {
        if (told++ < mostTold) tell(symbol, state);
      }
      deps.onChange?.(symbol, state);
    }
    if (told > mostTold) log.warn("more symbols have changed their status", { symbols: told - mostTold });
  }

  function tell(symbol: string, state: SymbolState): void {
    if (state.kind === "trading") log.info("the symbol is traded again", { symbol });
    if (state.kind === "halted") {
      const what = "the exchange does not trade this symbol now; it is recorded again as soon as it does";
      log.warn(what, { symbol, status: state.status });
    }
    if (state.kind === "unknown") {
      const what =
        "the exchange does not know this symbol: misspelt or delisted; correct or remove it in record.symbols. The others go on";
      log.warn(what, { symbol, did_you_mean: state.didYouMean ?? undefined });
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

function stateFor(
  symbol: string,
  status: string | null,
  before: SymbolState,
  all: readonly string[] | null,
): SymbolState {
  if (status === "TRADING") return { kind: "trading" };
  if (status !== null) return { kind: "halted", status };
  const known = before.kind === "unknown" ? before.didYouMean : null;
  return { kind: "unknown", didYouMean: all === null ? known : nearest(symbol, all) };
}

function isSame(a: SymbolState, b: SymbolState): boolean {
  if (a.kind === "halted" && b.kind === "halted") return a.status === b.status;
  return a.kind === b.kind;
}
