import type { Server as BunServer, WebSocketHandler } from "bun";
import { Elysia } from "elysia";
import { websocket } from "elysia/ws";
import type { BookView } from "../book.ts";
import type { History } from "../history.ts";
import type { HttpLoad } from "../http-load.ts";
import type { Incidents } from "../incident.ts";
import type { Log } from "../log.ts";
import type { NewestTrades } from "../newest-trades.ts";
import type { Status } from "../status.ts";
import { type Access, type AccessOptions, createAccess, openAccess } from "./access.ts";
import { createAlertsApi } from "./alerts-api.ts";
import { createApi } from "./api.ts";
import { createArchiveApi } from "./archive-api.ts";
import { createAssets } from "./assets.ts";
import { maxBufferedBytes } from "./audience.ts";
import { createErrors } from "./errors.ts";
import { securityHeaders } from "./headers.ts";
import { createHealth } from "./health.ts";
import { createHistoryApi } from "./history-api.ts";
import { ListenError } from "./listen-error.ts";
import { createLive, type Live } from "./live.ts";
import { createLiveBook, type LiveBook } from "./live-book.ts";
import { createMetricsRoute, type MetricsText } from "./metrics.ts";
import { createOpenApi } from "./openapi.ts";
import { createSnapshot, type Snapshot } from "./snapshot.ts";

export type HttpServer = {
  /** Binds; rejects with ListenError where that cannot be. `url` is what a browser on this machine can open. */
  start(): Promise<{ url: string; port: number }>;
  /** Idempotent; resolves when every connection is closed. Can be started again. */
  stop(): Promise<void>;
  load(): HttpLoad;
};

type Deps = {
  /** Called at most once a tick, and never while nobody looks. */
  status: () => Status;
  /** The newest book of a symbol in upper case; "no_data" until one has come, null when it is not recorded. */
  book: (symbol: string) => BookView | "no_data" | null;
  trades: NewestTrades["since"];
  history: History;
  metrics: MetricsText;
  incidents: Incidents;
  /** Told in `/health/live`, so that a recorder knows itself from outside. */
  instance?: string;
  /** Folder with the built page. */
  assetsDir: string;
  log: Log;
};

type Parts = { readonly access: Access; readonly live: Live; readonly liveBook: LiveBook };

/** Type of the routes, for Eden. */
export type App = Awaited<ReturnType<typeof createApp>>;

/** Serves page, API and live status. Port 0 takes any free one. */
export function createHttpServer(
  options: { host: string; port: number; tickMs?: number; access?: AccessOptions },
  deps: Deps,
): HttpServer {
  const tickMs = options.tickMs ?? 1000;
  let opened: { app: App; parts: Parts } | null = null;
  let running: Promise<{ app: App; parts: Parts; url: string; port: number }> | null = null;

  async function open() {
    const snapshot = createSnapshot({ tickMs }, deps);
    let app: App | null = null;
    const publish: BunServer<unknown>["publish"] = (topic, text, compress) =>
      app?.server?.publish(topic, text, compress) ?? 0;
    const access = createAccess(
      { ...(options.access ?? openAccess), host: options.host },
      {
        log: deps.log,
        onSessionEnd(id) {
          live.endSession(id);
          liveBook.endSession(id);
        },
      },
    );
    const listening = { publish, listenerOf: access.gate.guestOf, log: deps.log };
    const live = createLive({ tickMs }, { snapshot, ...listening });
    const liveBook = createLiveBook({ book: deps.book, trades: deps.trades, ...listening });
    const parts = { access, live, liveBook };
    await access.start();
    app = await createApp(deps, snapshot, parts);
    const port = listen(app, access, options.host, options.port);
    opened = { app, parts };
    return { ...opened, port, url: `http://${openable(options.host)}:${port}` };
  }

  return {
    async start() {
      running ??= open();
      try {
        const { url, port } = await running;
        return { url, port };
      } catch (error) {
        running = null;
        throw error;
      }
    },
    async stop() {
      const stopping = running;
      running = null;
      const stopped = await stopping?.catch(() => null);
      if (!stopped) return;
      stopped.parts.live.stop();
      stopped.parts.liveBook.stop();
      await stopped.parts.access.stop();
      await stopped.app.server?.stop(true);
    },
    load: () => ({
      dashboards: opened?.parts.live.clients() ?? 0,
      books: opened?.parts.liveBook.clients() ?? 0,
      dropped: (opened?.parts.live.dropped() ?? 0) + (opened?.parts.liveBook.dropped() ?? 0),
      pendingRequests: opened?.app.server?.pendingRequests ?? 0,
    }),
  };
}

async function createApp(deps: Deps, snapshot: Snapshot, { access, live, liveBook }: Parts) {
  return new Elysia({
    name: "rt-data",
    // Otherwise the path is looked for behind the eleventh character of the URL, which misses it where the host is `nas` or `pi`.
    handler: { standardHostname: false },
  })
    .headers({ ...securityHeaders })
    .use(createErrors(deps.log))
    .use(createHealth(snapshot, (request) => access.gate.guestOf(request).isTrusted, deps.instance))
    .use(access.routes())
    .use(createMetricsRoute(deps.metrics))
    .use(createApi({ snapshot, book: deps.book }))
    .use(createHistoryApi(deps.history))
    .use(createArchiveApi(deps.history))
    .use(createAlertsApi(deps.incidents))
    .use(live.routes)
    .use(liveBook.routes)
    .use(createOpenApi())
    .use(await createAssets({ assetsDir: deps.assetsDir }, { log: deps.log }));
}

/** Not by Elysia's own `listen`, which has Bun find the routes: then what the gate looks at could be another path than what is answered. */
function listen(app: App, access: Access, hostname: string, port: number): number {
  try {
    app.compile();
    app.server = Bun.serve({
      ...{ hostname, port, reusePort: false, development: false },
      ...{ maxRequestBodySize: 64 * 1024, idleTimeout: 30 },
      fetch: access.guard(app.fetch, () => app.server),
      websocket: {
        // The same handlers; the two packages' types differ in what a message may be.
        ...(websocket as unknown as WebSocketHandler<unknown>),
        maxPayloadLength: 1024,
        idleTimeout: 60,
        backpressureLimit: 4 * maxBufferedBytes,
        closeOnBackpressureLimit: true,
        perMessageDeflate: true,
      },
    });
  } catch (cause) {
    throw new ListenError(hostname, port, cause);
  }
  return app.server?.port ?? port;
}

/** An address that listens everywhere is none to open. */
function openable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
