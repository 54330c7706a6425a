import { createStream, depthSnapshot, type Stream } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { createPayloadPattern } from "../frames/payload-patterns.ts";
import { type ParsedAnswer, parseAnswer } from "./answer-text.ts";
import type { RestClient } from "./rest-client.ts";

/** Fetches order books over REST for symbols whose diffs are recorded: at start, after missing diffs, every hour. */
export type DepthSnapshots = {
  start(): void;
  /** Asks for the symbol's book soon, because diffs are missing or begin. Joins a request that is waiting already. */
  request(symbol: string): void;
  /** Replaces the list of symbols. The books of new symbols are requested at once. */
  setSymbols(symbols: readonly string[]): void;
  status(): { readonly waiting: number; readonly delivered: number; readonly lastProblem: string | null };
  stop(): void;
};

export type DepthSnapshotDeps = {
  readonly rest: RestClient;
  readonly nowUs: () => number;
  /**
   * Returns the first update id `U` of the symbol's diffs since diffs were last missing; null before the first diff. An older book cannot
   * be joined to the diffs.
   */
  readonly firstDiffId: (symbol: string) => number | null;
  /**
   * Called for each book. `stream` is the symbol's depthSnapshot, the same object each time. `payload` is the answer's text, byte for byte
   * except for white space between members; `recvUs` the time at which it had arrived.
   */
  readonly onSnapshot: (stream: Stream, payload: string, recvUs: number) => void;
  readonly log: Log;
  readonly after?: After;
};

const path = "/api/v3/depth";

/** Levels a side (the maximum) and the weight of such a request. Source: rest-api.md, "Order book". */
const limit = 5000;
const weight = 250;
const hourMs = 3_600_000;

/** Time between attempts, and most attempts, while there is no diff yet or the book is too old. */
const againMs = 2000;
const mostAttempts = 10;

/** A symbol whose book is wanted. `urgent`: diffs are missing; otherwise the hourly book is due. */
type Wanted = { readonly symbol: string; urgent: boolean; waits: number; attempts: number; notReady: boolean };

/**
 * Creates the fetcher. One request is under way at a time; urgent books come first. The hourly round is spread over the hour and takes
 * longer if the weight budget does not suffice for all symbols.
 *
 * | book of a symbol                          | next step                                                                       |
 * |-------------------------------------------|---------------------------------------------------------------------------------|
 * | no diff yet                               | wait `againMs`, at most `mostAttempts` times, then ask anyway                   |
 * | reaches the first diff                    | deliver                                                                         |
 * | without a member that it must have        | ask again after `againMs`; give up after `mostAttempts`, until the hourly round |
 * | older than the first diff                 | ask again after `againMs`; give up after `mostAttempts`, until the hourly round |
 * | no answer                                 | ask again after `againMs`                                                       |
 * | refused                                   | give up until the hourly round                                                  |
 *
 * Source: web-socket-streams.md, "How to manage a local order book correctly".
 */
export function createDepthSnapshots(
  options: { symbols: readonly string[]; everyMs?: number },
  deps: DepthSnapshotDeps,
): DepthSnapshots {
  const { rest, log, after = systemAfter } = deps;
  const everyMs = options.everyMs ?? hourMs;
  const pattern = createPayloadPattern("depthSnapshot", null);
  const abort = new AbortController();
  const waiting = new Map<string, Wanted>();
  const timers = new Set<() => void>();
  const streams = new Map<string, Stream>();
  let symbols = [...new Set(options.symbols)];
  let started = false;
  let underWay: Wanted | null = null;
  let turn = 0;
  let cancelRound: (() => void) | null = null;
  let delivered = 0;
  let lastProblem: string | null = null;

  function want(symbol: string, urgent: boolean): void {
    const known = waiting.get(symbol);
    // The book under way may be older than the missing diffs, so another book is needed.
    if (known === undefined || (urgent && known === underWay))
      waiting.set(symbol, { symbol, urgent, waits: 0, attempts: 0, notReady: false });
    else known.urgent ||= urgent;
    void next();
  }

  async function next(): Promise<void> {
    if (!started || underWay !== null || abort.signal.aborted) return;
    const ready = [...waiting.values()].filter(({ notReady }) => !notReady);
    const wanted = ready.find(({ urgent }) => urgent) ?? ready[0];
    if (wanted === undefined) return;
    underWay = wanted;
    try {
      await ask(wanted);
    } catch (error) {
      drop(wanted, messageOf(error), true);
    }
    underWay = null;
    void next();
  }

  async function ask(wanted: Wanted): Promise<void> {
    const { symbol } = wanted;
    if (deps.firstDiffId(symbol) === null && ++wanted.waits < mostAttempts) return later(wanted);
    const query = { symbol, limit };
    const answer = await rest.get(path, query, { weight, priority: "normal", signal: abort.signal });
    if (abort.signal.aborted || waiting.get(symbol) !== wanted) return;
    const recvUs = deps.nowUs();
    if (answer.kind === "failed") {
      lastProblem = `${symbol}: ${answer.reason}`;
      return later(wanted);
    }
    if (answer.kind === "refused") return drop(wanted, answer.msg, answer.code !== -1121);
    const book = bookOf(answer.text);
    if (book === null) {
      const reason = `GET ${path} answered in an unknown form`;
      lastProblem = `${symbol}: ${reason}`;
      return ++wanted.attempts >= mostAttempts ? drop(wanted, reason, true) : later(wanted);
    }
    if (book.id >= (deps.firstDiffId(symbol) ?? Number.NEGATIVE_INFINITY)) {
      waiting.delete(symbol);
      delivered++;
      deps.onSnapshot(streamOf(symbol), book.payload, recvUs);
    } else if (++wanted.attempts >= mostAttempts)
      drop(wanted, `the REST order book was older than the diffs ${mostAttempts} times in a row`, true);
    else later(wanted);
  }

  function streamOf(symbol: string): Stream {
    const stream = streams.get(symbol) ?? createStream(symbol, depthSnapshot);
    streams.set(symbol, stream);
    return stream;
  }

  /** Reads a book. Today's form is proved without parsing the levels; any other form is parsed and counted. */
  function bookOf(text: string): ParsedAnswer | null {
    if (pattern.isProved(`${text}}`, 0))
      return { payload: text, id: Number(/^\{"lastUpdateId":(\d+)/.exec(text)?.[1]) };
    const book = parseAnswer(text, "depthSnapshot");
    if (book !== null) rest.countUnusual(path);
    return book;
  }

  /** Moves the symbol to the end of the queue and makes it ready again after `againMs`. */
  function later(wanted: Wanted): void {
    wanted.notReady = true;
    waiting.delete(wanted.symbol);
    waiting.set(wanted.symbol, wanted);
    const cancel = after(againMs, () => {
      timers.delete(cancel);
      wanted.notReady = false;
      void next();
    });
    timers.add(cancel);
  }

  /** Gives up until the next round. Unknown symbols are not logged here, because the symbol watch logs them. */
  function drop({ symbol }: Wanted, reason: string, isLogged: boolean): void {
    waiting.delete(symbol);
    lastProblem = `${symbol}: ${reason}`;
    if (isLogged)
      log.warn("cannot fetch the order book over REST; the next attempt is the hourly book", { symbol, reason });
  }

  /** Spreads the symbols evenly over the hour. */
  function scheduleRound(): void {
    cancelRound?.();
    cancelRound = null;
    if (!started || symbols.length === 0) return;
    cancelRound = after(everyMs / symbols.length, () => {
      const symbol = symbols[turn++ % symbols.length];
      if (symbol !== undefined) want(symbol, false);
      scheduleRound();
    });
  }

  return {
    start() {
      started = true;
      for (const symbol of symbols) want(symbol, false);
      scheduleRound();
    },
    request: (symbol) => want(symbol, true),
    setSymbols(given) {
      const before = new Set(symbols);
      symbols = [...new Set(given)];
      for (const symbol of waiting.keys()) if (!symbols.includes(symbol)) waiting.delete(symbol);
      if (!started) return;
      for (const symbol of symbols) if (!before.has(symbol)) want(symbol, false);
      scheduleRound();
    },
    status: () => ({ waiting: waiting.size, delivered, lastProblem }),
    stop() {
      abort.abort();
      cancelRound?.();
      for (const cancel of timers) cancel();
      timers.clear();
    },
  };
}
