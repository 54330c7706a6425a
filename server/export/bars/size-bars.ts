import { decimalScale } from "../decimal.ts";
import { addTrade, type Bar, emptyBar } from "./bar.ts";
import type { BarRule } from "./bar-rule.ts";
import type { BarTrade } from "./bar-trade.ts";
import type { BrokenSpans } from "./broken-spans.ts";
import type { BarMaker, BarSink } from "./time-bars.ts";

const one = 10n ** BigInt(decimalScale);

/**
 * Makes a bar whenever a number of trades, a volume or a quote volume is reached. The trade that reaches it ends the bar; trades are not
 * split. At a broken span the unfinished bar is left out, and the next trade begins a new bar.
 */
export function createSizeBars(rule: Exclude<BarRule, { kind: "time" }>, spans: BrokenSpans, sink: BarSink): BarMaker {
  let bar: Bar | null = null;
  let lastRecvUs: number | null = null;

  function leaveOut(reason: "gap" | "end"): void {
    if (bar !== null) sink.onLeftOut(bar.startUs, reason);
    bar = null;
  }

  function isReached({ trades, volume, quote }: Bar): boolean {
    if (rule.kind === "trades") return BigInt(trades) >= rule.size;
    return rule.kind === "volume" ? volume >= rule.size : quote >= rule.size * one;
  }

  return {
    onTrade(trade: BarTrade, us: number) {
      // Gaps are known by time of receipt.
      const recvUs = Math.max(trade.recvUs, lastRecvUs ?? 0);
      if (lastRecvUs !== null && spans.touching(lastRecvUs, recvUs) !== null) leaveOut("gap");
      lastRecvUs = recvUs;
      bar ??= emptyBar(us, us, trade.price);
      bar.endUs = us;
      addTrade(bar, trade);
      if (!isReached(bar)) return;
      sink.onBar(bar);
      bar = null;
    },
    onHole: () => leaveOut("gap"),
    advance() {},
    end: () => leaveOut("end"),
  };
}
