import type { Stream } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { backoff } from "../../platform/time/backoff.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import {
  type BackfillResult,
  createBackfillQueue,
  type MissingTrades,
  type PendingBackfill,
  type WaitingBackfill,
  type WithdrawnIds,
} from "./backfill-queue.ts";
import type { RestAnswer } from "./responses.ts";
import type { RestClient } from "./rest-client.ts";
import { mostTrades, parseTrades, type RestTrade, tradesRequest } from "./trade-pages.ts";

/** Fetches missing trades over REST by their ids. */
export type TradeBackfill = {
  start(): void;
  /**
   * Adds missing trades of an aggTrade or trade stream, or a backfill that was pending when the last process ended. Ids that are pending
   * already are left out. If all ids are pending already, the queue does not change.
   */
  add(added: MissingTrades | PendingBackfill): void;
  /** Removes ids that are not missing after all and are not done yet. Returns how many, by the start of their gap. */
  withdraw(stream: Stream, fromId: number, toId: number): readonly WithdrawnIds[];
  /** Returns all unfinished backfills with their progress. */
  pending(): readonly PendingBackfill[];
  status(): { readonly holes: number; readonly records: number; readonly lastProblem: string | null };
  /** Resolves when the last request and hand-over have ended. Pending backfills stay in the store. Idempotent. */
  stop(): Promise<void>;
};

type TradePage = { readonly isFirst: boolean; readonly toId: number };

export type TradeBackfillDeps = {
  readonly rest: RestClient;
  /**
   * Receives a page: at most 1000 trades of one backfill, in order. Resolves when the page is on disk: then the progress is stored. After
   * a rejection, or a crash before the progress was stored, the same page comes again: the writer leaves out ids that are on disk.
   * `isFirst`: this process's first page of the backfill, to be compared with the disk. `toId`: the last id of the backfill.
   */
  readonly onPage: (stream: Stream, records: readonly RestTrade[], page: TradePage) => Promise<unknown>;
  /** Called when a backfill ends. It stays in the store until this settles, so after a crash in between it is called again. */
  readonly onDone: (missing: MissingTrades, result: BackfillResult) => unknown;
  /** Keeps backfills over a restart; may throw. Stream and `fromId` identify a backfill. */
  readonly store?: { save(backfill: PendingBackfill): void; remove(backfill: MissingTrades): void };
  readonly log: Log;
  /** A monotonic clock, ms. */
  readonly now?: () => number;
  readonly after?: After;
};

const lagAttempts = 6;
const absent = "the exchange does not have all of these ids";
const retryMs = { first: 1000, longest: 60_000 };

/**
 * Creates the backfill of all streams: a page at a time, with low priority, streams taking turns. No request is sent before `start`.
 * | answer to a page                                | next step                                                  |
 * |-------------------------------------------------|------------------------------------------------------------|
 * | full page                                       | hand it over, store the progress, next page                |
 * | page reaches beyond `toId`                      | hand it over, finish                                       |
 * | page ends before `toId` (end of the history)    | hand over ids seen twice, wait; finish after `lagAttempts` |
 * | unknown form, no answer, page cannot be written | wait 1 s doubled up to 60 s, then the same page again      |
 * | refused                                         | finish; the gap stays                                      |
 */
export function createTradeBackfill(deps: TradeBackfillDeps): TradeBackfill {
  const { rest, log, now = () => performance.now(), after = systemAfter } = deps;
  const queue = createBackfillQueue();
  const abort = new AbortController();
  let running: Promise<void> | null = null;
  let started = false;
  let cancelTimer: (() => void) | null = null;
  let lastProblem: string | null = null;
  const round = { holes: 0, fetched: 0, missing: 0 };

  function wake(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (!started || abort.signal.aborted || running !== null) return;
    running = work().finally(() => {
      running = null;
      const waitMs = queue.dueMs() - now();
      if (waitMs <= 0) wake();
      else if (waitMs < Number.POSITIVE_INFINITY && !abort.signal.aborted) cancelTimer = after(waitMs, wake);
    });
  }

  async function work(): Promise<void> {
    for (let turn = queue.next(now()); turn !== null && !abort.signal.aborted; turn = queue.next(now())) {
      try {
        await fetchPage(turn);
      } catch (error) {
        complain(turn, messageOf(error));
      }
    }
  }

  async function fetchPage(turn: WaitingBackfill): Promise<void> {
    const { backfill } = turn;
    const wanted = backfill.toId - backfill.nextId + 1;
    const request = tradesRequest(backfill.stream, backfill.nextId, wanted);
    if (request === null) return await finish(turn, "trades of this stream cannot be asked for");
    const { path, query, weight } = request;
    const answer = await rest.get(path, query, { weight, priority: "low", signal: abort.signal });
    if (abort.signal.aborted || turn.isWithdrawn) return;
    if (answer.kind !== "ok") return await onRefusal(turn, answer);
    const trades = parseTrades(answer.text, backfill.stream.type.kind);
    if (trades === null || (trades[0] !== undefined && trades[0].id < backfill.nextId))
      return complain(turn, `${path} answered in an unknown form`);
    const page = trades.filter(({ id }) => id <= backfill.toId);
    // A short page: the exchange's history ends here. Either the history lags behind, or the ids have restarted and current trades get ids
    // of this range. Current trades are being recorded, so only ids that an earlier answer listed are handed over; the others wait.
    const isEnd = trades.length < Math.min(wanted, mostTrades) && (trades.at(-1)?.id ?? 0) < backfill.toId;
    const settled = isEnd ? page.filter(({ id }) => id <= turn.listedId) : page;
    if (isEnd) turn.listedId = page.at(-1)?.id ?? 0;
    if (!(await handOver(turn, settled))) return;
    if (turn.backfill.nextId > turn.backfill.toId || (!isEnd && page.length < trades.length)) {
      await finish(turn, absent);
    } else if (isEnd) {
      const reason = "the exchange does not have trades up to this id";
      turn.untouched = true;
      if (turn.ends++ >= lagAttempts) await finish(turn, reason);
      else postpone(turn, reason);
    }
  }

  /** Hands over a page and stores the progress; false if the page could not be written. */
  async function handOver(turn: WaitingBackfill, page: readonly RestTrade[]): Promise<boolean> {
    const last = page.at(-1);
    if (last === undefined) return true;
    try {
      await deps.onPage(turn.backfill.stream, page, { isFirst: turn.untouched, toId: turn.backfill.toId });
    } catch (error) {
      complain(turn, `cannot write backfilled trades: ${messageOf(error)}`);
      return false;
    }
    turn.untouched = false;
    turn.failures = 0;
    turn.backfill = { ...turn.backfill, nextId: last.id + 1, fetched: turn.backfill.fetched + page.length };
    store(() => deps.store?.save(turn.backfill));
    return true;
  }

  async function onRefusal(turn: WaitingBackfill, answer: Exclude<RestAnswer, { kind: "ok" }>): Promise<void> {
    if (answer.kind === "failed") postpone(turn, answer.reason);
    else if (answer.code === -1121) await finish(turn, "the exchange does not know the symbol any more");
    else if (answer.status === 404)
      await finish(turn, `${answer.msg}; api.binance.com has it, the market data hosts may not`);
    else await finish(turn, `${answer.msg} (code ${answer.code})`);
  }

  /** Logs a failure that the REST client has not logged, and waits. */
  function complain(turn: WaitingBackfill, reason: string): void {
    const stream = turn.backfill.stream.name;
    if (turn.failures === 0) log.warn("backfill interrupted; it is retried", { stream, reason });
    postpone(turn, reason);
  }

  function postpone(turn: WaitingBackfill, reason: string): void {
    lastProblem = `${turn.backfill.stream.name}: ${reason}`;
    turn.notBeforeMs = now() + backoff(retryMs, Math.max(turn.failures, turn.ends));
    turn.failures++;
  }

  async function finish(turn: WaitingBackfill, reason: string): Promise<void> {
    queue.remove(turn);
    await conclude(turn.backfill, reason);
    if (queue.size() > 0) return;
    log.info("backfill finished", { ...round });
    Object.assign(round, { holes: 0, fetched: 0, missing: 0 });
  }

  async function conclude(backfill: PendingBackfill, reason: string): Promise<void> {
    const { fromId, toId, fetched, stream } = backfill;
    const missing = toId - fromId + 1 - fetched;
    round.holes++;
    round.fetched += fetched;
    round.missing += missing;
    if (missing > 0) {
      lastProblem = `${stream.name}: ${reason}`;
      log.warn("cannot backfill trades; the gap stays", { stream: stream.name, fromId, toId, missing, reason });
    }
    try {
      await deps.onDone(backfill, { fetched, missing, reason: missing > 0 ? reason : null });
    } catch (error) {
      log.error("cannot complete a backfill", { stream: stream.name, reason: messageOf(error) });
    }
    store(() => deps.store?.remove(backfill));
  }

  function store(work: () => void): void {
    try {
      work();
    } catch (error) {
      const reason = messageOf(error);
      log.warn("cannot store the backfill progress; after a restart some trades are fetched again", { reason });
    }
  }

  return {
    start() {
      started = true;
      wake();
    },
    add(added) {
      const backfill = "nextId" in added ? added : { ...added, nextId: added.fromId, fetched: 0 };
      // A stored backfill may be complete: the process ended between its last page and `onDone`.
      const queued = backfill.nextId > backfill.toId ? "over" : queue.add(backfill);
      if (queued === "over" || queued === "full") {
        void conclude(backfill, queued === "full" ? "too many backfills are waiting" : absent);
        return;
      }
      if (queued !== added && "nextId" in added) store(() => deps.store?.remove(added));
      if (queued === null) return;
      if (queued !== added) store(() => deps.store?.save(queued));
      wake();
    },
    withdraw(stream, fromId, toId) {
      return queue.of(stream).flatMap((turn) => {
        const { backfill } = turn;
        const first = Math.max(fromId, backfill.nextId);
        if (first > backfill.toId || backfill.toId > toId) return [];
        const count = backfill.toId - first + 1;
        turn.backfill = { ...backfill, toId: first - 1 };
        if (backfill.nextId < first) store(() => deps.store?.save(turn.backfill));
        else {
          turn.isWithdrawn = true;
          queue.remove(turn);
          store(() => deps.store?.remove(backfill));
        }
        return [{ fromUs: backfill.fromUs, count }];
      });
    },
    pending: queue.all,
    status: () => ({
      holes: queue.size(),
      records: queue.all().reduce((sum, { nextId, toId }) => sum + toId - nextId + 1, 0),
      lastProblem,
    }),
    async stop() {
      abort.abort();
      cancelTimer?.();
      await running;
    },
  };
}
