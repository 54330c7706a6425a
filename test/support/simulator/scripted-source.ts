import type { MarketEvent, MarketSource } from "../../../server/simulator/protocol/market-source.ts";

/** A market that says what the test tells it to, when the test tells it to. */
export function createScriptedSource(): MarketSource & {
  emit(...events: MarketEvent[]): void;
  wants(stream: string): boolean;
} {
  let emit: (events: readonly MarketEvent[]) => void = () => {};
  let wants: (stream: string) => boolean = () => false;
  return {
    start(to, audience) {
      emit = to;
      wants = (stream) => audience?.wants(stream) ?? false;
    },
    stop() {
      emit = () => {};
    },
    exchangeInfo: () => [],
    depth: () => null,
    emit: (...events) => emit(events),
    wants: (stream) => wants(stream),
  };
}
