import { Elysia } from "elysia";
import type { StatusCache } from "../core/status-cache.ts";

/**
 * Serves uptime monitors: `live` while the process answers, `ready` only while data flows. Only trusted requests get the reasons.
 */
export function createHealth(snapshot: StatusCache, isTrusted: (request: Request) => boolean, instance?: string) {
  return new Elysia({ name: "health", prefix: "/health" })
    .get(
      "/live",
      ({ set }) => {
        set.headers["cache-control"] = "no-store";
        if (instance !== undefined) set.headers["rt-data-instance"] = instance;
        return { live: true };
      },
      { detail: { tags: ["health"], summary: "200 while the process answers" } },
    )
    .get(
      "/ready",
      ({ request, set }): { ready: boolean; reasons?: readonly string[] } => {
        const { ready, reasons } = snapshot.status();
        set.headers["cache-control"] = "no-store";
        set.status = ready ? 200 : 503;
        return isTrusted(request) ? { ready, reasons } : { ready };
      },
      { detail: { tags: ["health"], summary: "200 while data flows, otherwise 503 with reasons" } },
    );
}

/** Returns the metrics as text with their content type. */
export type MetricsText = (wantsOpenMetrics: boolean) => { readonly text: string; readonly contentType: string };

/** Serves `/metrics` in Prometheus's text format, or in OpenMetrics if the request accepts it. */
export function createMetricsRoute(text: MetricsText) {
  return new Elysia({ name: "metrics" }).get(
    "/metrics",
    ({ request, set }) => {
      const answer = text(/application\/openmetrics-text/.test(request.headers.get("accept") ?? ""));
      set.headers["cache-control"] = "no-store";
      set.headers["content-type"] = answer.contentType;
      return answer.text;
    },
    { detail: { tags: ["health"], summary: "figures for Prometheus" } },
  );
}
