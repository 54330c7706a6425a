import type { HttpLoad, Status } from "../domain/status.ts";
import { connectionFamilies } from "./connections.ts";
import { type ExpositionFormat, encode } from "./exposition.ts";
import { type Family, gauge } from "./family.ts";
import { processFamilies } from "./process.ts";
import { programFamilies } from "./program.ts";
import { recordingFamilies } from "./recording.ts";
import type { MetricsSources } from "./sources.ts";
import { storageFamilies } from "./storage.ts";

/** The figures of this recorder, as Prometheus wants them. */
export type Metrics = {
  /** What `/metrics` answers; put together at most once a second for each format, however many ask. */
  text(format: ExpositionFormat): string;
};

/** A scrape is good for so long, ms; Prometheus asks every 15 s or so. */
const goodForMs = 1000;

/** Metrics from `sources`; `http` is asked along with them. */
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
      gauge("rt_data_scrape_duration_seconds", "What the scrape before this one cost.", [tookSeconds]),
    ];
  }

  return {
    text(format) {
      const startMs = performance.now();
      if (startMs - collectedMs >= goodForMs) {
        families = collect();
        texts = new Map();
        collectedMs = startMs;
      }
      const known = texts.get(format);
      if (known !== undefined) return known;
      const text = encode(families, format);
      texts.set(format, text);
      tookSeconds = Math.round((performance.now() - startMs) * 1000) / 1e6;
      return text;
    },
  };
}
