import type { Stream } from "../../domain/stream.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { type After, after as systemAfter } from "../../platform/time/timers.ts";
import {
  createBackfillQueue,
  type MissingTrades,
  type PendingBackfill,
  type WaitingBackfill,
} from "./backfill-queue.ts";
import type { RestAnswer } from "./responses.ts";
import type { RestClient } from "./rest-client.ts";
import { mostTrades, parseTrades, type RestTrade, tradesRequest } from "./trade-pages.ts";

/** Refetches missing trades by their ids. */
export type TradeBackfill = {
  start(): void;
  /**
   * Takes a hole of an aggTrade or trade stream, or one that was pending when the process ended before. What of it is pending
   * already is left out; a hole of which nothing remains then is not heard of again.
   */
  add(hole: MissingTrades | PendingBackfill): void;
  /** These ids are not missing after all, as far as they are not done yet; returns by the beginnings of their gaps how many there are. */
  withdraw(stream: Stream, fromId: number, toId: number): readonly WithdrawnIds[];
  /** Everything that is not done yet, with its progress. */
  pending(): readonly PendingBackfill[];
  status(): { readonly holes: number; readonly records: number; readonly lastProblem: string | null };
  /** Resolves when nothing is asked for or handed over any more; what is pending stays so. Idempotent. */
  stop(): Promise<void>;
};

/** How many ids of the gap that begins at `fromUs` were taken back. */
type WithdrawnIds = { readonly fromUs: number; readonly count: number };

/** What came of a hole: `reason` says in words why some are missing; null if none are. */
export type BackfillResult = { readonly fetched: number; readonly missing: number; readonly reason: string | null };

type TradePage = { readonly isFirst: boolean; readonly toId: number };

export type TradeBackfillDeps = {
  readonly rest: RestClient;
  /**
   * Takes a page: at most 1000 trades of one hole, in order. The next page of any hole comes after this has resolved, which must
   * mean that the page is on disk, since the hole's progress is stored then. If it rejects, the page comes again.
   *
   * Pages come at least once: after a crash the one that was on its way comes again. Ids make that harmless: whoever writes leaves
   * out the ids that are there already. `isFirst` says that nothing of this hole has been handed over by this process, so that only
   * then it need be looked for on disk; `toId` is the last id of the hole.
   */
  readonly onPage: (stream: Stream, records: readonly RestTrade[], page: TradePage) => Promise<unknown>;
  /** Called when a backfill is over. It stays in the store until this settles, so a crash in between reports it again. */
  readonly onDone: (hole: MissingTrades, result: BackfillResult) => unknown;
  /** Keeps holes over a restart; may throw. A hole is told apart by its stream and `fromId`. */
  readonly store?: { save(hole: PendingBackfill): void; remove(hole: MissingTrades): void };
  readonly log: Log;
  /** Any clock that does not run backwards, ms. */
  readonly now?: () => number;
  readonly after?: After;
};

/** The exchange's own history of trades may lag behind its streams: what is not there yet is looked for again so often. */
const lagAttempts = 6;
const absent = "the exchange does not have all of these ids";
const firstWaitMs = 1000;
const longestWaitMs = 60_000;

/** Refetches holes a page at a time, with low priority, streams taking turns. Nothing is asked for before `start`. */
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
    const { hole } = turn;
    const wanted = hole.toId - hole.nextId + 1;
    const request = tradesRequest(hole.stream, hole.nextId, wanted);
    if (request === null) return await finish(turn, "trades of this stream cannot be asked for");
    const { path, query, weight } = request;
    const answer = await rest.get(path, query, { weight, priority: "low", signal: abort.signal });
    if (abort.signal.aborted || turn.isWithdrawn) return;
    if (answer.kind !== "ok") return await noteRefusal(turn, answer);
    const trades = parseTrades(answer.text, hole.stream.type.kind);
    if (trades === null || (trades[0] !== undefined && trades[0].id < hole.nextId))
      return complain(turn, `${path} answered in an unknown form`);
    const page = trades.filter(({ id }) => id <= hole.toId);
    // Fewer than asked for: here the exchange's history ends. It may lag behind; or the exchange counts anew, and each trade that is made now
    // has an id of the hole. Those are being recorded: what was listed before is looked for on disk, and the rest waits.
    const isEnd = trades.length < Math.min(wanted, mostTrades) && (trades.at(-1)?.id ?? 0) < hole.toId;
    const settled = isEnd ? page.filter(({ id }) => id <= turn.listedId) : page;
    if (isEnd) turn.listedId = page.at(-1)?.id ?? 0;
    if (!(await handOver(turn, settled))) return;
    if (turn.hole.nextId > turn.hole.toId || (!isEnd && page.length < trades.length)) {
      await finish(turn, absent);
    } else if (isEnd) {
      const reason = "the exchange does not have trades up to this id";
      turn.untouched = true;
      if (turn.ends++ >= lagAttempts) await finish(turn, reason);
      else postpone(turn, reason);
    }
  }

  /** False if the page could not be handed over. */
  async function handOver(turn: WaitingBackfill, page: readonly RestTrade[]): Promise<boolean> {
    const last = page.at(-1);
    if (last === undefined) return true;
    try {
      await deps.onPage(turn.hole.stream, page, { isFirst: turn.untouched, toId: turn.hole.toId });
    } catch (error) {
      complain(turn, `cannot write refetched trades: ${messageOf(error)}`);
      return false;
    }
    turn.untouched = false;
    turn.failures = 0;
    turn.hole = { ...turn.hole, nextId: last.id + 1, fetched: turn.hole.fetched + page.length };
    store(() => deps.store?.save(turn.hole));
    return true;
  }

  async function noteRefusal(turn: WaitingBackfill, answer: Exclude<RestAnswer, { kind: "ok" }>): Promise<void> {
    if (answer.kind === "failed") postpone(turn, answer.reason);
    else if (answer.code === -1121) await finish(turn, "the exchange does not know the symbol any more");
    else if (answer.status === 404)
      await finish(turn, `${answer.msg}; api.binance.com has it, the market data hosts may not`);
    else await finish(turn, `${answer.msg} (code ${answer.code})`);
  }

  /** The client tells of its own failures; others are told here. */
  function complain(turn: WaitingBackfill, reason: string): void {
    if (turn.failures === 0) log.warn("refetching waits and is tried again", { stream: turn.hole.stream.name, reason });
    postpone(turn, reason);
  }

  function postpone(turn: WaitingBackfill, reason: string): void {
    lastProblem = `${turn.hole.stream.name}: ${reason}`;
    turn.notBeforeMs =
      now() + Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(Math.max(turn.failures, turn.ends), 10));
    turn.failures++;
  }

  async function finish(turn: WaitingBackfill, reason: string): Promise<void> {
    queue.remove(turn);
    await conclude(turn.hole, reason);
    if (queue.size() > 0) return;
    log.info("missing trades were refetched", { ...round });
    Object.assign(round, { holes: 0, fetched: 0, missing: 0 });
  }

  async function conclude(hole: PendingBackfill, reason: string): Promise<void> {
    const { fromId, toId, fetched, stream } = hole;
    const missing = toId - fromId + 1 - fetched;
    round.holes++;
    round.fetched += fetched;
    round.missing += missing;
    if (missing > 0) {
      lastProblem = `${stream.name}: ${reason}`;
      log.warn("trades cannot be refetched; the gap stays", { stream: stream.name, fromId, toId, missing, reason });
    }
    try {
      await deps.onDone(hole, { fetched, missing, reason: missing > 0 ? reason : null });
    } catch (error) {
      log.error("cannot complete a refetched hole", { stream: stream.name, reason: messageOf(error) });
    }
    store(() => deps.store?.remove(hole));
  }

  function store(work: () => void): void {
    try {
      work();
    } catch (error) {
      log.warn("the progress of refetching cannot be stored; after a restart some is refetched again", {
        reason: messageOf(error),
      });
    }
  }

  return {
    start() {
      started = true;
      wake();
    },
    add(added) {
      const hole = "nextId" in added ? added : { ...added, nextId: added.fromId, fetched: 0 };
      // One of which all is done: the process ended between its last page and its end.
      const taken = hole.nextId > hole.toId ? "over" : queue.add(hole);
      if (taken === "over" || taken === "full") {
        void conclude(hole, taken === "full" ? "too many holes are waiting" : absent);
        return;
      }
      if (taken !== added && "nextId" in added) store(() => deps.store?.remove(added));
      if (taken === null) return;
      if (taken !== added) store(() => deps.store?.save(taken));
      wake();
    },
    withdraw(stream, fromId, toId) {
      return queue.of(stream).flatMap((turn) => {
        const { hole } = turn;
        const first = Math.max(fromId, hole.nextId);
        if (first > hole.toId || hole.toId > toId) return [];
        const count = hole.toId - first + 1;
        turn.hole = { ...hole, toId: first - 1 };
        if (hole.nextId < first) store(() => deps.store?.save(turn.hole));
        else {
          turn.isWithdrawn = true;
          queue.remove(turn);
          store(() => deps.store?.remove(hole));
        }
        return [{ fromUs: hole.fromUs, count }];
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
