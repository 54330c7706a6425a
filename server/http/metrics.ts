import { Elysia } from "elysia";

/** What is answered, and as what. */
export type MetricsText = (wantsOpenMetrics: boolean) => { readonly text: string; readonly contentType: string };

/** `/metrics`, in Prometheus's text format, or in OpenMetrics for those who ask for it. */
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
