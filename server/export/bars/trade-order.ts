import type { BarTrade } from "./bar-trade.ts";

/** Receives trades in order of their ids. Times never fall. */
export type TradeSink = {
  onTrade(trade: BarTrade, us: number): void;
  /** Records are absent between two trades: ids are missing, or the numbering began again. */
  onHole(fromUs: number, toUs: number): void;
};

/** Puts trades in order. */
export type TradeOrder = {
  push(trade: BarTrade): void;
  /** Tells that everything received before a time has been pushed. */
  advance(recvUs: number): void;
  /** Returns true while trades wait for trades before them. */
  waits(): boolean;
  end(): void;
};

/**
 * Longest wait for a missing id, µs. A backfilled trade stands in the recording at its trade time, which is earlier or later than its
 * neighbours by their delay and the offset of the clock.
 */
export const orderWindowUs = 60_000_000;
/** Most trades that wait. */
const mostWaiting = 200_000;

/**
 * Puts the trades of a symbol, read in order of receipt, in order of their ids. A jump of the ids is reported as a hole once the missing
 * ids cannot follow any more. `timeOf`: the clock by which bars are made.
 */
export function createTradeOrder(
  sink: TradeSink,
  timeOf: (trade: BarTrade) => number,
  limits: { readonly windowUs: number; readonly mostWaiting: number } = { windowUs: orderWindowUs, mostWaiting },
): TradeOrder {
  /** Waiting trades by id, from `head` on. */
  let waiting: BarTrade[] = [];
  let head = 0;
  let lastId: number | null = null;
  let lastUs = Number.NEGATIVE_INFINITY;
  let newestUs = Number.NEGATIVE_INFINITY;

  function emit(trade: BarTrade): void {
    const us = Math.max(timeOf(trade), lastUs);
    if (lastId !== null && trade.id !== lastId + 1) sink.onHole(lastUs, us);
    lastId = trade.id;
    lastUs = us;
    sink.onTrade(trade, us);
  }

  function insert(trade: BarTrade): void {
    let at = waiting.length;
    while (at > head && (waiting[at - 1] as BarTrade).id > trade.id) at--;
    if (at === waiting.length) waiting.push(trade);
    else waiting.splice(at, 0, trade);
  }

  function take(): void {
    emit(waiting[head++] as BarTrade);
    if (head < 10_000 && head < waiting.length) return;
    waiting = waiting.slice(head);
    head = 0;
  }

  /** Passes on the waiting trades that are next, or have waited long enough. */
  function drain(): void {
    while (head < waiting.length) {
      const first = waiting[head] as BarTrade;
      const isNext = lastId !== null && first.id === lastId + 1;
      const isLate = first.recvUs < newestUs - limits.windowUs || waiting.length - head > limits.mostWaiting;
      if (!isNext && !isLate) return;
      take();
    }
  }

  function flush(): void {
    while (head < waiting.length) take();
  }

  return {
    push(trade) {
      newestUs = Math.max(newestUs, trade.recvUs);
      if (lastId !== null && trade.id <= lastId) {
        // An id that was passed on already: the numbering began again, or a record is there twice.
        flush();
        emit(trade);
      } else if (head === waiting.length && lastId !== null && trade.id === lastId + 1) emit(trade);
      else {
        insert(trade);
        drain();
      }
    },
    advance(recvUs) {
      newestUs = Math.max(newestUs, recvUs);
      drain();
    },
    waits: () => head < waiting.length,
    end: flush,
  };
}
