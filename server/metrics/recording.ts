import type { Status, SymbolStatus } from "../domain/status.ts";
import { counter, type Family, gauge, histogram } from "./family.ts";
import type { MetricsSources } from "./sources.ts";

const symbolStates: readonly SymbolStatus["state"][] = ["trading", "halted", "delisted", "unknown", "unchecked"];

/** Builds the metrics of received, recorded and lost data. */
export function recordingFamilies(sources: MetricsSources, status: Status): readonly Family[] {
  return [...streamFamilies(sources), ...lossFamilies(sources, status), ...symbolFamilies(sources, status)];
}

function streamFamilies(sources: MetricsSources): readonly Family[] {
  const streams = sources
    .streams()
    .map((counts) => ({ ...counts, labels: { stream: counts.stream, symbol: counts.symbol } }));
  return [
    counter(
      "rt_data_messages",
      "Messages received, without duplicates.",
      ...streams.map(({ messages, labels }) => [messages, labels] as const),
    ),
    counter(
      "rt_data_records",
      "Records accepted for writing.",
      ...streams.map(({ records, labels }) => [records, labels] as const),
    ),
    counter(
      "rt_data_written_bytes",
      "Bytes of lines written to segments, before compression.",
      ...streams.map(({ bytesWritten, labels }) => [bytesWritten, labels] as const),
    ),
    gauge(
      "rt_data_buffered_records",
      "Records in memory that are not yet in the file.",
      ...streams.map(({ bufferedRecords, labels }) => [bufferedRecords, labels] as const),
    ),
    gauge(
      "rt_data_last_receive_timestamp_seconds",
      "Receipt of the latest record.",
      ...streams.map(({ lastRecvUs, labels }) => [inSeconds(lastRecvUs), labels] as const),
    ),
    gauge(
      "rt_data_flush_interval_seconds",
      "Time between the last two flushes of the file.",
      ...streams.map(({ flushIntervalUs, labels }) => [inSeconds(flushIntervalUs), labels] as const),
    ),
  ];
}

function lossFamilies(sources: MetricsSources, { totals, symbols }: Status): readonly Family[] {
  const gaps = sources.gaps();
  const open = new Map(gaps.map(({ cause }) => [cause, 0]));
  for (const { streams } of symbols)
    for (const { gap } of streams) if (gap !== null) open.set(gap.cause, (open.get(gap.cause) ?? 0) + 1);
  return [
    counter("rt_data_records_repaired", "Missing trades backfilled over REST.", [totals.records_repaired]),
    counter("rt_data_records_late", "Records kept although the delay was above latency.threshold_ms.", [
      totals.records_late,
    ]),
    counter("rt_data_records_gated", "Records dropped because the delay was above latency.threshold_ms.", [
      totals.records_gated,
    ]),
    counter("rt_data_records_dropped", "Records lost because disk and memory were full.", [sources.dropped()]),
    counter("rt_data_duplicate_messages", "Messages dropped because another connection had delivered them.", [
      totals.duplicates,
    ]),
    counter(
      "rt_data_unusual_messages",
      "Messages and REST answers of an unusual shape that could be used all the same.",
      [totals.unusual],
    ),
    counter("rt_data_quarantined_messages", "Messages of unknown shape, saved in quarantine.", [totals.quarantined]),
    counter("rt_data_epochs", "How often the exchange restarted the numbering of a stream.", [totals.epochs]),
    counter(
      "rt_data_gaps",
      "Recorded gaps by cause.",
      ...gaps.map(({ cause, gaps: count }) => [count, { cause }] as const),
    ),
    counter(
      "rt_data_gap_seconds",
      "Length of these gaps, summed over streams.",
      ...gaps.map(({ cause, seconds }) => [seconds, { cause }] as const),
    ),
    counter(
      "rt_data_missing_records",
      "Records in these gaps that ids prove missing, including backfilled records.",
      ...gaps.map(({ cause, missing }) => [missing, { cause }] as const),
    ),
    gauge(
      "rt_data_open_gaps",
      "Streams with an open gap.",
      ...[...open].map(([cause, count]) => [count, { cause }] as const),
    ),
    gauge("rt_data_pending_holes", "Ranges of missing trades being backfilled.", [totals.holes]),
  ];
}

function symbolFamilies(sources: MetricsSources, { symbols }: Status): readonly Family[] {
  return [
    gauge(
      "rt_data_symbols",
      "Recorded symbols by their state on the exchange.",
      ...symbolStates.map((state) => [symbols.filter((symbol) => symbol.state === state).length, { state }] as const),
    ),
    gauge(
      "rt_data_delay_estimate_seconds",
      "Estimated one-way delay from the exchange, corrected by the clock offset.",
      ...symbols.map(({ symbol, delay_ms }) => [delay_ms === null ? null : delay_ms / 1000, { symbol }] as const),
    ),
    histogram("rt_data_delay_seconds", "One-way delay of messages with an event time, all symbols.", sources.delay()),
  ];
}

function inSeconds(us: number | null): number | null {
  return us === null ? null : us / 1e6;
}
