import type { Status, SymbolStatus } from "../../../server/domain/status.ts";

/** Without data for this long, µs, a symbol counts as silent. */
const silentUs = 60_000_000;

/** True if a symbol's data does not come although the exchange trades it. */
export function isSilent({ state, last_recv_us, streams }: SymbolStatus, { now_us, started_us }: Status): boolean {
  if (state === "halted") return false;
  return streams.some(({ gap }) => gap !== null) || now_us - Math.max(last_recv_us ?? 0, started_us) > silentUs;
}

/** Symbols whose data does not come. */
export function silentSymbols(newest: Status): readonly SymbolStatus[] {
  return newest.symbols.filter((symbol) => isSilent(symbol, newest));
}

/** Since when a symbol is silent, µs. */
export function silentSince({ streams, last_recv_us }: SymbolStatus, fallbackUs: number): number {
  const gaps = streams.flatMap(({ gap }) => (gap === null ? [] : [gap.from_us]));
  return gaps.length > 0 ? Math.min(...gaps) : (last_recv_us ?? fallbackUs);
}
