import { createStream, depthSnapshot, type Stream } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import { createPayloadPattern } from "../frames/payload-patterns.ts";
import type { RestClient } from "./rest-client.ts";

/** Fetches REST books for symbols whose diff depth is recorded: at start, after each hole, and every hour. */
export type DepthSnapshots = {
  start(): void;
  /** The symbol's diffs have a hole, or begin: its book is wanted soon. Requests that wait already are joined. */
  request(symbol: string): void;
  /** Other symbols from now on; new ones are asked for at once. */
  setSymbols(symbols: readonly string[]): void;
  status(): { readonly waiting: number; readonly delivered: number; readonly lastProblem: string | null };
  stop(): void;
};

export type DepthSnapshotDeps = {
  readonly rest: RestClient;
  readonly nowUs: () => number;
  /**
   * The first update id `U` of the symbol's diffs since its newest hole; null while there has been none. A book from before it
   * cannot be joined to the diffs.
   */
  readonly firstDiffId: (symbol: string) => number | null;
  /** `stream` is the symbol's depthSnapshot, the same object each time; `payload` the answer's text, byte for byte, `recvUs` when it had arrived. */
  readonly onSnapshot: (stream: Stream, payload: string, recvUs: number) => void;
  readonly log: Log;
  readonly after?: After;
};

/** Levels a side, the most there are, and their weight (rest-api.md, "Order book"). */
const limit = 5000;
const weight = 250;
const hourMs = 3_600_000;

/** How long to wait for the first diff, or for a book that is new enough, and how often. */
const againMs = 2000;
const mostAttempts = 10;

/** A symbol that wants its book. `urgent`: there is a hole; others are only due. */
type Wanted = { readonly symbol: string; urgent: boolean; waits: number; attempts: number; notReady: boolean };

/**
 * One request is under way at a time; holes come before what is merely due; the hourly round is spread over the hour, and takes
 * longer where the weight does not suffice for all symbols. Only books that reach the first diff are delivered (web-socket-streams.md, "How to
 * manage a local order book correctly"); a symbol without any diff yet is waited for a little, then taken as it is.
 */
export function createDepthSnapshots(
  options: { symbols: readonly string[]; everyMs?: number },
  deps: DepthSnapshotDeps,
): DepthSnapshots {
  const { rest, log, after = systemAfter } = deps;
  const everyMs = options.everyMs ?? hourMs;
  const shape = createPayloadPattern("depthSnapshot", null);
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
    // What is under way may be a book from before this hole: another one is wanted.
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
    const answer = await rest.get("/api/v3/depth", query, { weight, priority: "normal", signal: abort.signal });
    if (abort.signal.aborted || waiting.get(symbol) !== wanted) return;
    const recvUs = deps.nowUs();
    if (answer.kind === "failed") {
      lastProblem = `${symbol}: ${answer.reason}`;
      return later(wanted);
    }
    if (answer.kind === "refused") return drop(wanted, answer.msg, answer.code !== -1121);
    const id = idOf(answer.text);
    if (id === null) {
      const reason = "GET /api/v3/depth answered in an unknown form";
      lastProblem = `${symbol}: ${reason}`;
      return ++wanted.attempts >= mostAttempts ? drop(wanted, reason, true) : later(wanted);
    }
    if (id >= (deps.firstDiffId(symbol) ?? Number.NEGATIVE_INFINITY)) {
      waiting.delete(symbol);
      delivered++;
      deps.onSnapshot(streamOf(symbol), answer.text, recvUs);
    } else if (++wanted.attempts >= mostAttempts)
      drop(wanted, `its book over REST is older than its diffs, ${mostAttempts} times in a row`, true);
    else later(wanted);
  }

  function streamOf(symbol: string): Stream {
    const stream = streams.get(symbol) ?? createStream(symbol, depthSnapshot);
    streams.set(symbol, stream);
    return stream;
  }

  function idOf(text: string): number | null {
    return shape.isProved(`${text}}`, 0) ? Number(/^\{"lastUpdateId":(-?\d+)/.exec(text)?.[1]) : null;
  }

  /** Others have their turn meanwhile. */
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

  /** The next round asks again. A symbol that is unknown is not told here: whoever watches symbols does. */
  function drop({ symbol }: Wanted, reason: string, tell: boolean): void {
    waiting.delete(symbol);
    lastProblem = `${symbol}: ${reason}`;
    if (tell) log.warn("no order book over REST; the next hourly one is waited for", { symbol, reason });
  }

  /** Each symbol has its moment in the hour. */
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
