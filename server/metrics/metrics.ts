import type { HttpLoad, Status } from "../domain/status.ts";
import { connectionFamilies } from "./connections.ts";
import { type ExpositionFormat, encode } from "./exposition.ts";
import { type Family, gauge } from "./family.ts";
import { processFamilies } from "./process.ts";
import { programFamilies } from "./program.ts";
import { recordingFamilies } from "./recording.ts";
import type { MetricsSources } from "./sources.ts";
import { storageFamilies } from "./storage.ts";

/** The metrics of this recorder for Prometheus. */
export type Metrics = {
  /** Returns the answer of `/metrics`. It is collected at most once a second, however many clients ask. */
  text(format: ExpositionFormat): string;
};

/** How long a scrape stays valid, ms. Prometheus usually asks every 15 s. */
const validMs = 1000;

/** Creates the metrics. Each collection reads `sources` and `http`. */
export function createMetrics(sources: MetricsSources, http: () => HttpLoad): Metrics {
  let families: readonly Family[] = [];
  let texts = new Map<ExpositionFormat, string>();
  let collectedMs = Number.NEGATIVE_INFINITY;
  let tookSeconds: number | null = null;

  function collect(): readonly Family[] {
    const status: Status = sources.status();
    return [
      ...programFamilies(sources, status, http()),
      ...recordingFamilies(sources, status),
      ...connectionFamilies(status),
      ...storageFamilies(status, sources.isDiskFailing()),
      ...processFamilies(),
      gauge("rt_data_scrape_duration_seconds", "Duration of the previous scrape.", [tookSeconds]),
    ];
  }

  return {
    text(format) {
      const startMs = performance.now();
      if (startMs - collectedMs >= validMs) {
        families = collect();
        texts = new Map();
        collectedMs = startMs;
      }
      const cached = texts.get(format);
      if (cached !== undefined) return cached;
      const text = encode(families, format);
      texts.set(format, text);
      tookSeconds = Math.round((performance.now() - startMs) * 1000) / 1e6;
      return text;
    },
  };
}
