import { Elysia } from "elysia";
import type { Snapshot } from "./snapshot.ts";

/**
 * For uptime monitors: `live` while the process answers at all, `ready` only while data flows. Why it does not is told only to those
 * who may see it.
 */
export function createHealth(snapshot: Snapshot, isTrusted: (request: Request) => boolean, instance?: string) {
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
