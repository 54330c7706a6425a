import { gapCauses } from "../../../server/domain/gap.ts";
import type { Incident } from "../../../server/domain/incidents/incident.ts";
import type { MetricsSources } from "../../../server/metrics/sources.ts";
import { createHistogram } from "../../../server/platform/histogram.ts";
import { fakeStatus } from "../fakes/fake-status.ts";

/** A recorder with everything that can be set up, uploads and Telegram included; its figures move with `step`. */
export function fakeSources(
  step: () => number,
  symbolCount: number,
  over: Partial<MetricsSources> = {},
): MetricsSources {
  const delay = createHistogram([0.01, 0.1, 1]);
  const upload = {
    target: "bucket at s3.example.com",
    archives_uploaded: 12,
    archives_waiting: 1,
    archives_unconfirmed: 2,
    bytes_sent: 1_234_567,
    failures: 3,
    problem: null,
  };
  const telegram = { state: "ok", chats: 1, waiting: 2, sent: 11, last_error: null, since_us: null } as const;
  return {
    status: () => fakeStatus(step(), symbolCount, { upload, telegram }),
    streams: () =>
      fakeStatus(step(), symbolCount).symbols.flatMap(({ symbol, streams }) =>
        streams.map(({ stream, records, buffered_records, last_recv_us }) => ({
          ...{ stream, symbol, messages: records + 1, records, bytesWritten: records * 1234 },
          ...{ bufferedRecords: buffered_records, lastRecvUs: last_recv_us, flushIntervalUs: 1_000_123 },
        })),
      ),
    gaps: () =>
      gapCauses.map((cause, n) => ({ cause, gaps: n + step(), seconds: 1.5 * n + step(), missing: 10 * n + step() })),
    dropped: () => 4,
    isDiskFailing: () => false,
    delay() {
      delay.observe(0.05);
      return delay.read();
    },
    lag: createHistogram([0.001, 0.1, 1]).read,
    incidents: { open: () => [incident(1, "disk_low", "critical"), incident(2, "stale", "warning")] },
    ...over,
  };
}

function incident(id: number, rule: Incident["rule"], severity: Incident["severity"]): Incident {
  return {
    ...{ id, rule, severity, from_us: 1, to_us: null, changed_us: 1, subjects: [], subject_count: 0, value: null },
    ...{ worst: null, limit: null, detail: null, records_lost: null, flaps: 0, acknowledged: null },
  };
}
