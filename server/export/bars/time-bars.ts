import { addTrade, type Bar, emptyBar } from "./bar.ts";
import type { BarTrade } from "./bar-trade.ts";
import type { BrokenSpans } from "./broken-spans.ts";
import type { TradeSink } from "./trade-order.ts";

/** Why an interval has no row: `gap`: records are absent; `start` and `end`: the recording begins or ends within it. */
export type OmissionReason = "gap" | "start" | "end";

/** Receives bars in order of time. */
export type BarSink = {
  onBar(bar: Bar): void;
  onLeftOut(startUs: number, reason: OmissionReason): void;
};

/** Makes bars of trades in order. */
export type BarMaker = TradeSink & {
  /** Tells that all trades before a time have been passed on, so that bars that end by then are complete. */
  advance(us: number): void;
  /** Ends: the last bar stays unfinished. */
  end(): void;
};

export type TimeBarsOptions = {
  readonly everyUs: number;
  readonly spans: BrokenSpans;
  /** True if the stream's very first record is the first trade: its interval began before the recording. */
  readonly isBeginning: boolean;
};

/**
 * Makes a bar for each interval of time, aligned to UTC. An interval without trades has the close of the bar before and volume 0, as
 * Binance's klines do. An interval that touches a broken span has no bar.
 */
export function createTimeBars({ everyUs, spans, isBeginning }: TimeBarsOptions, sink: BarSink): BarMaker {
  let bar: Bar | null = null;
  let isStart = isBeginning;
  const startOf = (us: number) => Math.floor(us / everyUs) * everyUs;

  function begin(startUs: number, price: bigint): Bar {
    bar = emptyBar(startUs, startUs + everyUs, price);
    return bar;
  }

  function close(done: Bar): void {
    if (spans.touching(done.startUs, done.endUs) !== null) sink.onLeftOut(done.startUs, "gap");
    else if (isStart) sink.onLeftOut(done.startUs, "start");
    else sink.onBar(done);
    isStart = false;
    begin(done.endUs, done.close);
  }

  function advance(us: number): void {
    while (bar !== null && bar.endUs <= us) close(bar);
  }

  return {
    onTrade(trade: BarTrade, us: number) {
      advance(us);
      addTrade(bar ?? begin(startOf(us), trade.price), trade);
    },
    onHole: spans.add,
    advance,
    end() {
      if (bar !== null) sink.onLeftOut(bar.startUs, "end");
      bar = null;
    },
  };
}
