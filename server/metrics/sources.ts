import type { GapCause } from "../domain/gap.ts";
import type { Incidents } from "../domain/incidents/incident.ts";
import type { Status } from "../domain/status.ts";
import type { StreamTypeName } from "../domain/stream.ts";
import type { HistogramView } from "../platform/histogram.ts";

/** Counters of one stream of one symbol, since it was last added to the recording. */
export type StreamCounts = {
  /** `depth20@100ms` */
  readonly stream: StreamTypeName;
  readonly symbol: string;
  readonly messages: number;
  readonly records: number;
  readonly bytesWritten: number;
  readonly bufferedRecords: number;
  readonly lastRecvUs: number | null;
  readonly flushIntervalUs: number | null;
};

/** Gaps with the same cause since the start. */
export type GapCounts = {
  readonly cause: GapCause;
  readonly gaps: number;
  readonly seconds: number;
  /** Records that ids prove missing, including backfilled records. */
  readonly missing: number;
};

/** Sources of the metrics. Each is read at most once a second. */
export type MetricsSources = {
  readonly status: () => Status;
  readonly streams: () => readonly StreamCounts[];
  readonly gaps: () => readonly GapCounts[];
  /** Records that neither file nor memory could accept. */
  readonly dropped: () => number;
  /** True while the disk refuses writes. */
  readonly isDiskFailing: () => boolean;
  /** Delay of every message with an event time, s. */
  readonly delay: () => HistogramView;
  /** Delay of the one-second timer, s. */
  readonly lag: () => HistogramView;
  readonly incidents: Pick<Incidents, "open">;
};
