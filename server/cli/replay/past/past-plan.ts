import { dateOf, dayStartUs, dayUs } from "../../../domain/day.ts";
import type { Gap } from "../../../domain/gap.ts";
import { parseStreamName, type Stream, type StreamType } from "../../../domain/stream.ts";
import type { PastMarket } from "./past-market.ts";

/** The time of the invented past, ms, its streams, its days before today (newest first), and its gaps. */
export type PastPlan = {
  readonly beginMs: number;
  readonly midnightMs: number;
  readonly endMs: number;
  readonly streams: readonly Stream[];
  readonly dates: readonly string[];
  readonly gaps: readonly Gap[];
};

/** More symbols have no past: it would take too long. */
const mostSymbols = 6;

const dayMs = dayUs / 1000;
const hourMs = 3_600_000;

/** Plans `days` days before `endMs`. Books of several depths and aggregate trades have a past; other streams begin with the demo. */
export function planPast(
  options: { readonly days: number; readonly endMs: number },
  record: { readonly symbols: readonly string[]; readonly streams: readonly StreamType[] },
  market: Pick<PastMarket, "tradesIn">,
): PastPlan {
  const { days, endMs } = options;
  const midnightMs = dayStartUs(endMs * 1000) / 1000;
  // The first day begins in the evening, as if somebody had set the recorder up after work.
  const beginMs = midnightMs - days * dayMs + 18.7 * hourMs;
  const streams = record.symbols
    .slice(0, mostSymbols)
    .flatMap((symbol) =>
      record.streams
        .filter(({ kind }) => kind === "partialDepth" || kind === "aggTrade")
        .flatMap((type) => parseStreamName(`${symbol.toLowerCase()}@${type.name}`) ?? []),
    );
  const gapAt = (
    daysAgo: number,
    atMs: number,
    lastsMs: number,
    cause: Gap["cause"],
    only: (stream: Stream) => boolean,
  ) =>
    daysAgo >= days
      ? []
      : streams.filter(only).map((stream): Gap => {
          const fromMs = midnightMs - daysAgo * dayMs + atMs;
          const missing = stream.type.kind === "aggTrade" ? market.tradesIn(fromMs, fromMs + lastsMs) : null;
          const span = { from_us: fromMs * 1000, to_us: (fromMs + lastsMs) * 1000 };
          return { stream: stream.type.folder, symbol: stream.symbol, ...span, cause, missing, repaired: missing ?? 0 };
        });
  const last = streams.at(-1)?.symbol;
  const isBookOfLast = (stream: Stream) => stream.symbol === last && stream.type.kind !== "aggTrade";
  return {
    beginMs,
    midnightMs,
    endMs,
    streams,
    dates: Array.from({ length: days }, (_, n) => dateOf((midnightMs - (n + 1) * dayMs) * 1000)),
    gaps: [
      ...gapAt(11, 3.21 * hourMs, 12_400, "reconnect", () => true),
      ...gapAt(6, 14.09 * hourMs, 41_000, "exchange_down", () => true),
      ...gapAt(2, 21.51 * hourMs, 7200, "silent", isBookOfLast),
    ],
  };
}

/** Returns the planned gaps of a stream, ms. */
export function gapsOfStream({ gaps }: PastPlan, stream: Stream) {
  return gaps
    .filter((gap) => gap.stream === stream.type.folder && gap.symbol === stream.symbol)
    .map(({ from_us, to_us }) => ({ fromMs: from_us / 1000, toMs: to_us / 1000 }));
}
