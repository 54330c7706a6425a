import type { Server as BunServer } from "bun";
import { Elysia } from "elysia";
import type { BookView } from "../book.ts";
import type { History } from "../history.ts";
import type { HttpLoad } from "../http-load.ts";
import type { Log } from "../log.ts";
import type { NewestTrades } from "../newest-trades.ts";
import type { Status } from "../status.ts";
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
  /** Folder with the built page. */
  assetsDir: string;
  log: Log;
};

/** Type of the routes, for Eden. */
export type App = Awaited<ReturnType<typeof createApp>>;

/** Serves page, API and live status. Port 0 takes any free one. */
export function createHttpServer(options: { host: string; port: number; tickMs?: number }, deps: Deps): HttpServer {
  const tickMs = options.tickMs ?? 1000;
  let opened: { app: App; live: Live; liveBook: LiveBook } | null = null;
  let running: Promise<{ app: App; live: Live; liveBook: LiveBook; url: string; port: number }> | null = null;

  async function open() {
    const snapshot = createSnapshot({ tickMs }, deps);
    let app: App | null = null;
    const publish: BunServer<unknown>["publish"] = (topic, text, compress) =>
      app?.server?.publish(topic, text, compress) ?? 0;
    const live = createLive({ tickMs }, { snapshot, publish, log: deps.log });
    const liveBook = createLiveBook({ book: deps.book, trades: deps.trades, publish, log: deps.log });
    app = await createApp(deps, snapshot, live, liveBook);
    const port = listen(app, options.host, options.port);
    opened = { app, live, liveBook };
    return { app, live, liveBook, port, url: `http://${openable(options.host)}:${port}` };
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
      stopped.live.stop();
      stopped.liveBook.stop();
      await stopped.app.server?.stop(true);
    },
    load: () => ({
      dashboards: opened?.live.clients() ?? 0,
      books: opened?.liveBook.clients() ?? 0,
      dropped: (opened?.live.dropped() ?? 0) + (opened?.liveBook.dropped() ?? 0),
      pendingRequests: opened?.app.server?.pendingRequests ?? 0,
    }),
  };
}

async function createApp(deps: Deps, snapshot: Snapshot, live: Live, liveBook: LiveBook) {
  return new Elysia({
    name: "rt-data",
    // Otherwise the path is looked for behind the eleventh character of the URL, which misses it where the host is `nas` or `pi`.
    handler: { standardHostname: false },
    serve: { maxRequestBodySize: 64 * 1024, development: false, reusePort: false, idleTimeout: 30 },
    websocket: {
      maxPayloadLength: 1024,
      idleTimeout: 60,
      backpressureLimit: 4 * maxBufferedBytes,
      closeOnBackpressureLimit: true,
      perMessageDeflate: true,
    },
  })
    .headers({ ...securityHeaders })
    .use(createErrors(deps.log))
    .use(createHealth(snapshot))
    .use(createMetricsRoute(deps.metrics))
    .use(createApi({ snapshot, book: deps.book }))
    .use(createHistoryApi(deps.history))
    .use(createArchiveApi(deps.history))
    .use(live.routes)
    .use(liveBook.routes)
    .use(createOpenApi())
    .use(await createAssets({ assetsDir: deps.assetsDir }, { log: deps.log }));
}

function listen(app: App, hostname: string, port: number): number {
  try {
    app.listen({ hostname, port });
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
