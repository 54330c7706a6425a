import type { HttpLoad } from "../domain/status.ts";
import type { Stream } from "../domain/stream.ts";
import type { MetricsText } from "../http/routes/health.ts";
import { contentTypes } from "../metrics/exposition.ts";
import { createMetrics } from "../metrics/metrics.ts";
import type { MetricsSources, StreamCounts } from "../metrics/sources.ts";
import type { RecordingParts } from "./recording/recording.ts";

/** The sources of the metrics. */
export type AppMetricsDeps = Pick<MetricsSources, "status" | "lag" | "incidents"> & {
  readonly parts: Pick<RecordingParts, "rates" | "recorder" | "ledger" | "delay">;
  readonly streams: () => readonly Stream[];
  readonly http: () => HttpLoad;
};

/** Creates the answer of `/metrics`. */
export function createAppMetrics(deps: AppMetricsDeps): MetricsText {
  const { parts, status, lag, incidents } = deps;
  const metrics = createMetrics(
    {
      ...{ status, lag, incidents },
      streams: () => deps.streams().map((stream) => countsOf(parts, stream)),
      gaps: parts.ledger.sums,
      dropped: parts.recorder.dropped,
      isDiskFailing: () => parts.recorder.failure() !== null,
      delay: parts.delay.distribution,
    },
    deps.http,
  );
  return (wantsOpenMetrics) => {
    const format = wantsOpenMetrics ? "openmetrics" : "text";
    return { text: metrics.text(format), contentType: contentTypes[format] };
  };
}

function countsOf({ rates, recorder }: AppMetricsDeps["parts"], stream: Stream): StreamCounts {
  const written = recorder.status(stream);
  return {
    stream: stream.type.name,
    symbol: stream.symbol,
    messages: rates.total(stream),
    records: written?.records ?? 0,
    bytesWritten: written?.bytesWritten ?? 0,
    bufferedRecords: written?.bufferedRecords ?? 0,
    lastRecvUs: written?.lastRecvUs ?? null,
    flushIntervalUs: written?.flushIntervalUs ?? null,
  };
}
