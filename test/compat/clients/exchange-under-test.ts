import { silentLog } from "../../../server/platform/log/log.ts";
import { createSyntheticMarket } from "../../../server/simulator/market/synthetic-market.ts";
import type { MarketEvent, MarketSource } from "../../../server/simulator/protocol/market-source.ts";
import {
  createSimulatedExchange,
  type SentFrame,
  type SimulatedExchangeOptions,
} from "../../../server/simulator/simulated-exchange.ts";

export const symbols = ["BTCUSDT", "ETHUSDT"];

type Deps = {
  readonly now?: () => number;
  /** Spoils the market: its result is sent instead of the frame; null drops the frame. */
  readonly alter?: (event: MarketEvent) => MarketEvent | null;
};

/** Our exchange over a lively synthetic market, many times faster than real time. */
export async function startExchange(options: SimulatedExchangeOptions = {}, { now = Date.now, alter }: Deps = {}) {
  const sent: SentFrame[] = [];
  const onSent = (frame: SentFrame) => void sent.push(frame);
  const market = createSyntheticMarket({ symbols, seed: 7, speed: 20 });
  const source = alter === undefined ? market : spoil(market, alter);
  const exchange = createSimulatedExchange(options, { source, onSent, log: silentLog, now });
  const { wsUrl, restUrl } = await exchange.start();
  return { exchange, sent, urls: { wsUrl, restUrl } };
}

export type ExchangeUnderTest = Awaited<ReturnType<typeof startExchange>>;

function spoil(market: MarketSource, alter: (event: MarketEvent) => MarketEvent | null): MarketSource {
  return {
    ...market,
    start: (emit, audience) =>
      market.start((events) => emit(events.map(alter).filter((event) => event !== null)), audience),
  };
}
