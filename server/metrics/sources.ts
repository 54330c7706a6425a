import type { GapCause } from "../domain/gap.ts";
import type { Incidents } from "../domain/incidents/incident.ts";
import type { Status } from "../domain/status.ts";
import type { StreamTypeName } from "../domain/stream.ts";
import type { HistogramView } from "../platform/histogram.ts";

/** One recorded stream of one symbol; counts are since it was last added to what is recorded. */
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

/** Gaps of one cause since the start. */
export type GapCounts = {
  readonly cause: GapCause;
  readonly gaps: number;
  readonly seconds: number;
  /** Records that ids prove to have been missed, refetched ones included. */
  readonly missing: number;
};

/** Where the figures come from; all are asked at each scrape, at most once a second. */
export type MetricsSources = {
  readonly status: () => Status;
  readonly streams: () => readonly StreamCounts[];
  readonly gaps: () => readonly GapCounts[];
  /** Records that neither file nor memory could take. */
  readonly dropped: () => number;
  /** The disk refuses writes at this moment. */
  readonly isDiskFailing: () => boolean;
  /** Delay of every message that is dated, s. */
  readonly delay: () => HistogramView;
  /** How late the timer of the second was, s. */
  readonly lag: () => HistogramView;
  readonly incidents: Pick<Incidents, "open">;
};
