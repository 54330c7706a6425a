import { Elysia } from "elysia";
import type { DemoControl } from "../../domain/demo.ts";
import { errorBody } from "../core/errors.ts";

const tags = ["live"];
const noDemo = errorBody("no_demo", "This recorder is not a demo.");

/** Serves the demo's strip on the page. A recorder that is not a demo answers 404. */
export function createDemoRoutes(demo: DemoControl | null) {
  return new Elysia({ name: "demo-api", prefix: "/api/demo" })
    .onRequest(({ set }) => {
      set.headers["cache-control"] = "no-store";
    })
    .get("", ({ status }) => demo?.state() ?? status(404, noDemo), {
      detail: { tags, summary: "The demo: state of the cut connection, and commands to try; 404 if this is none" },
    })
    .post("/cut", ({ status }) => (demo === null ? status(404, noDemo) : status(202, demo.cut())), {
      detail: { tags, summary: "Cut the demo's connection for some seconds; 404 if this is no demo" },
    });
}
