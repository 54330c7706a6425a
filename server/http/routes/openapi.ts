import { openapi } from "@elysiajs/openapi";
import { pageRoutes } from "../../domain/pages.ts";
import { version } from "../../platform/process/version.ts";

/** First parts of addresses that do not belong to the API. */
const notApi = ["assets", "static", "ws", ...new Set(pageRoutes.map((route) => route.split("/")[0]))];

/**
 * The description of the API at `/openapi`, as JSON: the plugin's own page would be loaded from elsewhere, which the page's
 * policy forbids.
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
        { name: "history", description: "What was" },
        { name: "coverage", description: "How complete the recording is" },
        { name: "archives", description: "Merged days: files and checks" },
        { name: "session", description: "Logging in and out, where there is a password" },
        { name: "alerts", description: "What is not as it should be, and who is told" },
        { name: "health", description: "For uptime monitors; GET and HEAD" },
      ],
    },
  });
}
