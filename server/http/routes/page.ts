import { join } from "node:path";
import { staticPlugin } from "@elysiajs/static";
import { Elysia, NotFoundError } from "elysia";
import { pagePath, pageRoutes } from "../../domain/pages.ts";
import type { Log } from "../../platform/log/log.ts";
import { errorBody } from "../core/errors.ts";
import { securityHeaders } from "../core/security-headers.ts";
import { createAssetRoutes } from "./asset-routes.ts";

const base = '<base href="./" />';

/**
 * Serves the page and its assets from a folder, on disk or inside the executable. All addresses in the page are relative to its
 * `<base>`. `<base>` is set from the depth of the requested path, so that the page works below any prefix of a proxy.
 * @throws if the page has no `<base>` to replace.
 */
export async function createPageRoutes(options: { assetsDir: string }, deps: { log: Log }) {
  const page = await readPage(options.assetsDir);
  if (page === null) {
    deps.log.warn("the dashboard is not built; build it with: bun run build:web", { folder: options.assetsDir });
    return createPages(null);
  }
  return createPages(page)
    .use(await createAssetRoutes(join(options.assetsDir, "assets"), "/assets"))
    .use(await statics(options.assetsDir, "/static"));
}

async function readPage(assetsDir: string): Promise<string | null> {
  const file = Bun.file(join(assetsDir, "index.html"));
  if (!(await file.exists())) return null;
  const page = await file.text();
  if (!page.includes(base))
    throw new Error(`${join(assetsDir, "index.html")} has no ${base}; build it with: bun run build:web`);
  return page;
}

function createPages(page: string | null) {
  const answer = ({ request }: { request: Request }) => (page === null ? notBuilt() : html(page, request));
  const toOverview = () => new Response(null, { status: 302, headers: { location: pagePath("overview") } });
  const routes = new Elysia({ name: "pages" }).get("/", toOverview);
  for (const route of pageRoutes) routes.get(`/${route}`, answer);
  routes.get("/*", ({ request }) => {
    if (page === null || !isForPeople(request)) throw new NotFoundError();
    return html(page, request, 404);
  });
  return routes;
}

/** First parts of paths that belong to programs: an unknown path below them is answered in JSON. */
const programRoots = ["api", "assets", "health", "metrics", "openapi", "state", "static", "ws"];

/** True if a browser asks for a page. The page itself then says that there is none at this path. */
function isForPeople(request: Request): boolean {
  const [, root = ""] = new URL(request.url).pathname.split("/");
  return !programRoots.includes(root) && (request.headers.get("accept") ?? "").includes("text/html");
}

function html(page: string, request: Request, status = 200): Response {
  const depth = new URL(request.url).pathname.split("/").length - 2;
  return new Response(page.replace(base, `<base href="${"../".repeat(depth) || "./"}" />`), {
    status,
    headers: { ...securityHeaders, "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" },
  });
}

function notBuilt(): Response {
  const body = errorBody("page_not_built", "The dashboard has not been built; run: bun run build:web");
  return Response.json(body, { status: 503, headers: { ...securityHeaders } });
}

function statics(assetsDir: string, prefix: string) {
  return staticPlugin({
    assets: join(assetsDir, prefix),
    prefix,
    alwaysStatic: true,
    indexHTML: false,
    maxAge: 3600,
    directive: "public",
    headers: { ...securityHeaders },
  });
}

/** Folder of the built page: web/dist in a checkout. A compiled executable (ops/build.ts) carries it beside its modules. */
export const assetsDir: string = import.meta.dir.startsWith("/$bunfs/")
  ? join(import.meta.dir, "dist")
  : join(import.meta.dir, "../../../web/dist");
