import type { LevelList } from "../../domain/book/book-text.ts";
import type { BookSides, FollowedBook } from "../market/followed-book.ts";
import type { BookRecord, TradeRecord } from "../market/market-record.ts";
import type { EventMessage, EventOrder } from "./event-order.ts";
import { buyFlag, clearEvent, depthEvent, sellFlag, snapshotEvent, tradeEvent } from "./event-rows.ts";
import { leastLatencyUs, type TimeSurvey } from "./time-survey.ts";

export type BacktestSource = {
  readonly survey: TimeSurvey;
  /** How far the machine's clock was ahead of the exchange's, µs. */
  readonly offsetUs: number;
  /** Records from before this time only prepare the book, µs. */
  readonly fromUs: number;
  readonly book: FollowedBook;
  /** Starts of gaps at which the book is cleared, µs, in order; null: it stays as it was. */
  readonly clearAtUs: readonly number[] | null;
};

/** Converts records, in order of receipt, to events. */
export type BacktestEvents = {
  /** @throws if the record did not exist when its times were surveyed */
  take(record: TradeRecord | BookRecord): void;
  /** Whether the book was known at any time. */
  hadBook(): boolean;
};

/** Creates the conversion. The events go to `order`, which releases them when their place is certain. */
export function createBacktestEvents(source: BacktestSource, order: EventOrder): BacktestEvents {
  const { survey, offsetUs, fromUs, book, clearAtUs } = source;
  let recvUs = Number.NEGATIVE_INFINITY;
  /** Exchange time of the newest book event: book events keep their order, whatever the estimated delays are. */
  let bookUs = Number.NEGATIVE_INFINITY;
  /** Whether the events so far make the book as it is. */
  let isShown = false;
  let hadBook = false;
  let nextClear = 0;

  const receivedUs = (us: number) => us - offsetUs + survey.addedUs;
  const estimatedUs = (us: number, timeUs: number | null, delayMs: number | null) =>
    survey.exchangeUs(us - offsetUs, timeUs, delayMs);

  function addBook(exchUs: number, atUs: number, events: readonly number[]): void {
    if (events.length === 0) return;
    bookUs = Math.max(exchUs, bookUs, order.emittedUs());
    order.add({ exchUs: bookUs, localUs: receivedUs(atUs), isTrade: false, isReceived: true, events });
  }

  function show(exchUs: number): void {
    const sides = book.sides();
    if (sides === null) return;
    isShown = true;
    hadBook = true;
    addBook(exchUs, recvUs, wholeBook(sides));
  }

  /** Empties the book at a time when it becomes unknown. */
  function clear(atUs: number): void {
    if (isShown && clearAtUs !== null) addBook(estimatedUs(atUs, null, null), atUs, clearBook);
    if (clearAtUs !== null) isShown = false;
  }

  function takeBook(record: BookRecord): void {
    const ownUs = record.kind === "diff" ? record.diff.timeUs : null;
    const exchUs = estimatedUs(recvUs, ownUs, record.delayMs);
    const news = book.take(record);
    if (news.kind === "lost") {
      clear(recvUs);
      isShown = false;
    } else if (news.kind === "whole") show(book.timeUs() ?? exchUs);
    else if (news.kind === "change" && !isShown) show(exchUs);
    else if (news.kind === "change") addBook(exchUs, recvUs, changes(news.change));
  }

  function takeTrade({ timeUs, isBackfilled, isBuyerMaker, price, quantity }: TradeRecord): void {
    if (timeUs < order.emittedUs()) throw changed();
    const assumedUs = timeUs + Math.max(survey.medianDelayUs ?? 0, leastLatencyUs);
    order.add({
      exchUs: timeUs,
      localUs: isBackfilled ? assumedUs : receivedUs(recvUs),
      isTrade: true,
      isReceived: !isBackfilled,
      events: [tradeEvent + (isBuyerMaker ? sellFlag : buyFlag), Number(price), Number(quantity)],
    });
  }

  return {
    take(record) {
      if (record.recvUs < fromUs) {
        if (record.kind !== "trade") book.take(record);
        return;
      }
      const isFirst = recvUs === Number.NEGATIVE_INFINITY;
      recvUs = Math.max(recvUs, record.recvUs);
      if (isFirst) show(book.timeUs() ?? estimatedUs(recvUs, null, record.delayMs));
      for (let at = clearAtUs?.[nextClear]; at !== undefined && at <= recvUs; at = clearAtUs?.[++nextClear])
        clear(Math.max(at, fromUs));
      if (record.kind === "trade") takeTrade(record);
      else takeBook(record);
      order.release(survey.earliestFrom(recvUs));
    },
    hadBook: () => hadBook,
  };
}

function changed(): Error {
  return new Error("records were added to the day while it was exported; export it again");
}

/** The whole book: per side, best first, the old levels are cleared and each level is set. */
function wholeBook({ bids, asks }: BookSides): number[] {
  const events: number[] = [];
  for (const [{ prices, quantities }, side] of [
    [bids, buyFlag],
    [asks, sellFlag],
  ] as const) {
    // Without a level there is no price to clear to: NaN clears the side.
    events.push(clearEvent + side, prices.at(-1) ?? Number.NaN, 0);
    prices.forEach((price, n) => void events.push(snapshotEvent + side, price, Number(quantities[n])));
  }
  return events;
}

const clearBook: readonly number[] = [clearEvent, Number.NaN, 0];

/** Changed levels, removed levels first. */
function changes({ bids, asks }: BookSides): number[] {
  const events: number[] = [];
  for (const isRemoval of [true, false]) {
    pushLevels(events, depthEvent + buyFlag, bids, isRemoval);
    pushLevels(events, depthEvent + sellFlag, asks, isRemoval);
  }
  return events;
}

function pushLevels(events: number[], ev: number, { prices, quantities }: LevelList, isRemoval: boolean): void {
  for (let n = 0; n < prices.length; n++) {
    const quantity = Number(quantities[n]);
    if ((quantity === 0) === isRemoval) events.push(ev, prices[n] as number, quantity);
  }
}

/** The book as rows of a start: bids, then asks, each best first. */
export function startingBook({ bids, asks }: BookSides): readonly number[] {
  return wholeBook({ bids, asks }).flatMap((value, n, all) => {
    const isClear = (all[n - (n % 3)] as number) % 256 === clearEvent;
    return isClear ? [] : [value];
  });
}

/** Receives messages and keeps one feed latency a second, from which order latencies are estimated. */
export function createLatencySamples() {
  const samples: { readonly localUs: number; readonly latencyUs: number }[] = [];
  let second = Number.NEGATIVE_INFINITY;
  return {
    add({ localUs, exchUs }: EventMessage): void {
      const at = Math.floor(localUs / 1e6);
      if (at <= second) return;
      second = at;
      samples.push({ localUs, latencyUs: localUs - exchUs });
    },
    samples: () => samples,
  };
}
