import { openapi } from "@elysiajs/openapi";
import { pageRoutes } from "../../domain/pages.ts";
import { version } from "../../platform/process/version.ts";

/** First path segments that do not belong to the API. */
const notApi = ["assets", "static", "ws", "\\*", ...new Set(pageRoutes.map((route) => route.split("/")[0]))];

/**
 * Serves the API description at `/openapi` as JSON. The plugin's own page is off: it loads scripts from another host, which the
 * content security policy forbids.
 */
export function createOpenApi() {
  return openapi({
    path: "/openapi",
    specPath: "/openapi",
    provider: null,
    exclude: { paths: [new RegExp(`^/(${notApi.join("|")})?(/|$)`)] },
    documentation: {
      info: {
        title: "RT-Data",
        version,
        description:
          "Times are microseconds since the Unix epoch (`…_us`), dates are UTC. Errors are `{error: {code, message}}`.",
        license: { name: "MIT" },
      },
      tags: [
        { name: "live", description: "Now" },
        { name: "history", description: "The recorder's past" },
        { name: "coverage", description: "How complete the recording is" },
        { name: "archives", description: "Merged days: files and checks" },
        { name: "tardis", description: "The recording for programs that read Tardis' raw data" },
        { name: "session", description: "Logging in and out, if a password is set" },
        { name: "alerts", description: "Incidents, acknowledgements and mutes" },
        { name: "health", description: "For uptime monitors; GET and HEAD" },
      ],
    },
  });
}
