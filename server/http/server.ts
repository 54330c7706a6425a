import type { Server as BunServer, WebSocketHandler } from "bun";
import { Elysia } from "elysia";
import { websocket } from "elysia/ws";
import type { DemoControl } from "../domain/demo.ts";
import type { Incidents } from "../domain/incidents/incident.ts";
import type { LatestTrades } from "../domain/latest-trades.ts";
import type { History } from "../domain/queries.ts";
import type { BookView, HttpLoad, Status } from "../domain/status.ts";
import type { KnownInstrument } from "../domain/symbols/instrument.ts";
import { messageOf, OperatorError } from "../platform/errors.ts";
import type { Log } from "../platform/log/log.ts";
import type { ConfirmedTime } from "../platform/time/confirmed-time.ts";
import { type Auth, type AuthOptions, createAuth, createOpenAuth } from "./auth/auth.ts";
import { compressed } from "./core/compression.ts";
import { createErrors } from "./core/errors.ts";
import { securityHeaders } from "./core/security-headers.ts";
import { createStatusCache, type StatusCache } from "./core/status-cache.ts";
import { createLiveBook, type LiveBook } from "./live/live-book.ts";
import { createLiveStatus, type LiveStatus } from "./live/live-status.ts";
import { maxBufferedBytes } from "./live/subscribers.ts";
import { createArchiveRoutes } from "./routes/archive-routes.ts";
import { createDemoRoutes } from "./routes/demo-routes.ts";
import { createHealth, createMetricsRoute, type MetricsText } from "./routes/health.ts";
import { createHistoryRoutes } from "./routes/history-routes.ts";
import { createIncidentRoutes } from "./routes/incident-routes.ts";
import { createOpenApi } from "./routes/openapi.ts";
import { createPageRoutes } from "./routes/page.ts";
import { createStatusRoutes } from "./routes/status-routes.ts";
import { createTardisRoutes, type RawFeed } from "./routes/tardis-routes.ts";

export type HttpServer = {
  /** Binds the address. `url` opens in a browser on this machine. @throws ListenError if the address cannot be bound. */
  start(): Promise<{ url: string; port: number }>;
  /** Idempotent; resolves when every connection is closed. Can be started again. */
  stop(): Promise<void>;
  load(): HttpLoad;
};

type Deps = {
  /** Called at most once a tick, and only when a client wants the status. */
  status: () => Status;
  /** Newest book of an upper-case symbol; "no_data" before the first book, null if the symbol is not recorded. */
  book: (symbol: string) => BookView | "no_data" | null;
  /** Newest facts about an upper-case symbol; null until they are known. */
  instrument?: (symbol: string) => KnownInstrument | null;
  trades: LatestTrades["since"];
  mids?: (symbol: string) => readonly (readonly [recvUs: number, mid: number])[];
  history: History;
  metrics: MetricsText;
  incidents: Incidents;
  /** Only in a demo. */
  demo?: DemoControl | undefined;
  /** The recording for programs that read Tardis' raw data. */
  raw?: RawFeed;
  /** Sent by `/health/live`, so that a recorder can recognise itself from outside. */
  instance?: string;
  /** By which lifetimes of tokens end. */
  time?: () => ConfirmedTime;
  /** Folder with the built page. */
  assetsDir: string;
  log: Log;
};

type Parts = { readonly access: Auth; readonly live: LiveStatus; readonly liveBook: LiveBook };

/** Type of the routes, for Eden. */
export type HttpApi = Awaited<ReturnType<typeof createApp>>;

/** Serves the page, the API and the live status. Port 0 binds any free port. */
export function createHttpServer(
  options: { host: string; port: number; tickMs?: number; access?: AuthOptions },
  deps: Deps,
): HttpServer {
  const tickMs = options.tickMs ?? 1000;
  let opened: { app: HttpApi; parts: Parts } | null = null;
  let running: Promise<{ app: HttpApi; parts: Parts; url: string; port: number }> | null = null;

  async function open() {
    const snapshot = createStatusCache({ tickMs }, deps);
    let app: HttpApi | null = null;
    const publish: BunServer<unknown>["publish"] = (topic, text, compress) =>
      app?.server?.publish(topic, text, compress) ?? 0;
    const access = createAuth(
      { ...(options.access ?? createOpenAuth), host: options.host },
      {
        log: deps.log,
        onSessionEnd(id) {
          live.endSession(id);
          liveBook.endSession(id);
        },
        isConnected: (token) => live.hasToken(token) || liveBook.hasToken(token),
        time: deps.time ?? (() => ({ kind: "unconfirmed", why: "there is no time authority" })),
      },
    );
    const listening = { publish, listenerOf: access.authorize.principalOf, log: deps.log };
    const live = createLiveStatus({ tickMs }, { snapshot, ...listening });
    const liveBook = createLiveBook({
      book: deps.book,
      trades: deps.trades,
      mids: deps.mids ?? (() => []),
      ...listening,
    });
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
      await deps.raw?.stop();
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

async function createApp(deps: Deps, snapshot: StatusCache, { access, live, liveBook }: Parts) {
  return new Elysia({
    name: "rt-data",
    // By default Elysia searches for the path after the 11th character of the URL, which fails for short hosts like `nas` or `pi`.
    handler: { standardHostname: false },
  })
    .headers({ ...securityHeaders })
    .use(createErrors(deps.log))
    .use(createHealth(snapshot, access.mayKnowReasons, deps.instance))
    .use(access.routes())
    .use(createMetricsRoute(deps.metrics))
    .use(createStatusRoutes({ snapshot, book: deps.book, instrument: deps.instrument ?? (() => null) }))
    .use(createHistoryRoutes(deps.history))
    .use(createArchiveRoutes(deps.history))
    .use(createIncidentRoutes(deps.incidents))
    .use(createDemoRoutes(deps.demo ?? null))
    .use(createTardisRoutes(deps.raw ?? null))
    .use(live.routes)
    .use(liveBook.routes)
    .use(createOpenApi())
    .use(await createPageRoutes({ assetsDir: deps.assetsDir }, { log: deps.log }));
}

/**
 * Binds the port and returns it. Elysia's own `listen` lets Bun match the routes; then the authorized path and the answered path
 * could differ.
 */
function listen(app: HttpApi, access: Auth, hostname: string, port: number): number {
  try {
    app.compile();
    app.server = Bun.serve({
      hostname,
      port,
      reusePort: false,
      development: false,
      maxRequestBodySize: 64 * 1024,
      idleTimeout: 30,
      fetch: access.guard(compressed(app.fetch), () => app.server),
      websocket: {
        // The handlers are compatible, but the two packages type messages differently.
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

/** Returns a host that a browser can open: wildcard addresses become loopback. */
function openable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** Says that the address could not be bound. `code` is the system's (`EADDRINUSE`, `EACCES`, …); the message says what to do. */
export class ListenError extends OperatorError {
  readonly code: string;

  constructor(host: string, port: number, cause: unknown) {
    const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : "unknown";
    const reason = messageOf(cause);
    super(`cannot listen on ${host}:${port}: ${hints[code] ?? `${reason}; check http.host and http.port`}`, { cause });
    this.code = code;
  }
}

const hints: Record<string, string> = {
  EADDRINUSE: "the port is taken by another program; stop it, or set http.port to a free one",
  EACCES: "ports below 1024 need a privilege; set http.port to a higher one, with a proxy such as nginx in front",
  EADDRNOTAVAIL: "this machine has no such address; set http.host to an address that it has, such as 127.0.0.1",
};
