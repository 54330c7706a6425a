import type { Server } from "bun";
import type { Log } from "../platform/log/log.ts";
import { createConnectLimit } from "./connect-limit.ts";
import type { LifeOptions } from "./connection-life.ts";
import { type ConnectionData, createConnections } from "./connections.ts";
import type { Faults } from "./faults/faults.ts";
import { createHooks, type Ending } from "./faults/hooks.ts";
import type { TlsPair } from "./listen.ts";
import { createListing } from "./listing.ts";
import { createPort } from "./port.ts";
import { refusal } from "./protocol/control-message.ts";
import type { Frame } from "./protocol/frames.ts";
import type { MarketSource } from "./protocol/market-source.ts";
import type { SessionLimits } from "./protocol/socket-session.ts";
import type { StallLimit } from "./protocol/stall-watch.ts";
import { parseStreamUrl } from "./protocol/stream-url.ts";
import type { ListingStatus } from "./protocol/symbol-info.ts";
import { createRest } from "./rest.ts";
import { createWeights } from "./weights.ts";

/** The exchange as a server. */
export type SimulatedExchange = {
  /**
   * Listens and starts the source; resolves with its addresses. Rejects with an OperatorError if the port is not available, and
   * with the source's error if the source cannot start; the port is closed then.
   */
  start(): Promise<{ port: number; wsUrl: string; restUrl: string }>;
  /** Stops the source, closes every socket (1001) and the port; resolves when all are gone. */
  stop(): Promise<void>;
  /** Closes every open socket with this code, or cuts TCP without a close frame. */
  disconnectAll(how: Ending): void;
  /** The same for one socket, by its number; no effect if it is gone. */
  disconnect(connection: number, how: Ending): void;
  /** Numbers of the open sockets, oldest first. */
  connections(): readonly number[];
  /** Sends `serverShutdown` to every open socket; what follows it is up to the caller. */
  announceShutdown(): void;
  /** Sets the status of a symbol. Only TRADING symbols emit on streams; REST does not know absent symbols. */
  setStatus(symbol: string, status: ListingStatus): void;
  stats(): SimulatedExchangeStats;
};

/** Counters since the start. */
export type SimulatedExchangeStats = {
  /** Open sockets now, and ever. */
  readonly connections: number;
  readonly connectionsTotal: number;
  /** Distinct streams with a subscriber. */
  readonly streams: number;
  /** Data frames handed to sockets. */
  readonly messagesSent: number;
  /** Bytes handed to sockets that the readers have not taken yet. */
  readonly bufferedBytes: number;
  /** Sockets closed because their reader fell too far behind. */
  readonly slowClosed: number;
  /** Sockets that were told to close and are not gone yet. */
  readonly closing: number;
};

/** A sent frame, against which tests and benchmarks compare a recording. */
export type SentFrame = { readonly connection: number; readonly stream: string; readonly payload: string };

export type SimulatedExchangeOptions = Partial<SessionLimits> &
  Partial<LifeOptions> & {
    /** 127.0.0.1 */
    readonly host?: string;
    /** 0: any free port. */
    readonly port?: number;
    /** Milliseconds between pings (20,000). */
    readonly pingMs?: number;
    /** REQUEST_WEIGHT per minute and address (6000). */
    readonly weightPerMinute?: number;
    /** A socket with more unread bytes than this is closed (64 MiB). */
    readonly maxBufferedBytes?: number;
    /** Cuts sockets whose reader takes less than this; no limit if null or left out. */
    readonly stall?: StallLimit | null;
    /** Errors as documented, `{"code":…,"msg":…,"id":…}`, instead of nested as measured. */
    readonly flatErrors?: boolean;
    /** Handshakes per address in any 5 minutes (300); Infinity for no limit. */
    readonly connectsPer5Minutes?: number;
    /** HTTP status for handshakes beyond this limit; the real status is not documented (429). */
    readonly connectRefusal?: number;
    /** How far `/api/v3/time` is ahead of event times and pings, ms (0). */
    readonly clockOffsetMs?: number;
    /** Compresses for clients that offer it, each message by itself as the exchange does (false, which is faster). */
    readonly deflate?: boolean;
    /** Speaks wss:// and https:// with this certificate. */
    readonly tls?: TlsPair;
  };

const stallCheckMs = 500;
const dayMs = 86_400_000;
const connectWindowMs = 5 * 60_000;

/**
 * A Binance-compatible exchange: market data streams and the public REST endpoints over one source, on loopback.
 * `onSent` is called after each data frame that was handed to a socket, in the order of that socket's wire, with the payload as
 * sent: a payload changed by `faults` is reported as changed. Dropped frames are not reported; unreadable frames are reported to
 * the `onSpoiled` of the faults.
 */
export function createSimulatedExchange(
  options: SimulatedExchangeOptions,
  deps: {
    source: MarketSource;
    onSent?: (sent: SentFrame) => void;
    faults?: Faults;
    /** Answers requests for paths that the exchange does not have; null for unknown paths. */
    route?: (request: Request) => Response | null;
    /** May refuse a request before all other checks; null lets it through. */
    refuse?: (request: Request) => Response | null;
    log: Log;
    now?: () => number;
  },
): SimulatedExchange {
  const { onSent, faults, log } = deps;
  const now = deps.now ?? Date.now;
  const clockMs = () => deps.source.nowMs?.() ?? now();
  const host = options.host ?? "127.0.0.1";
  const weightPerMinute = options.weightPerMinute ?? 6000;
  const hooks = faults?.hooks ?? createHooks();
  const source = createListing(deps.source, hooks);
  const rest = createRest(
    { weightPerMinute },
    {
      source,
      weights: createWeights({ limit: weightPerMinute, patience: 10 }),
      clockMs: () => clockMs() + (options.clockOffsetMs ?? 0) + hooks.clockOffsetMs,
    },
  );
  const connects = createConnectLimit({ attempts: options.connectsPer5Minutes ?? 300, windowMs: connectWindowMs });
  const connections = createConnections(
    {
      limits: {
        maxStreams: options.maxStreams ?? 1024,
        incomingPerSecond: options.incomingPerSecond ?? 5,
        pongTimeoutMs: options.pongTimeoutMs ?? 60_000,
      },
      life: {
        lifeMs: options.lifeMs ?? dayMs,
        lifeStaggerMs: options.lifeStaggerMs ?? 0,
        lifeEnd: options.lifeEnd ?? { code: 1001, reason: "" },
        shutdownLeadMs: options.shutdownLeadMs ?? null,
      },
      flatErrors: options.flatErrors ?? false,
      deflate: options.deflate ?? false,
      maxBufferedBytes: options.maxBufferedBytes ?? 64 * 1024 * 1024,
      stall: options.stall ?? null,
    },
    {
      hooks,
      inventsTimes: source.inventsTimes ?? false,
      now,
      onSent: onSent === undefined && faults === undefined ? null : reportSent,
      onAudience: () => source.audienceChanged?.(),
      log,
    },
  );
  const port = createPort<ConnectionData>(
    { host, port: options.port ?? 0, tls: options.tls, deflate: options.deflate ?? false },
    { request: answer, ...connections.handlers },
  );
  const timers: ReturnType<typeof setInterval>[] = [];
  let connectionsTotal = 0;

  function reportSent(connection: number, { stream, payload, text, fault }: Frame): void {
    if (fault === undefined) onSent?.({ connection, stream, payload });
    else faults?.reportSpoiled({ connection, stream, kind: fault, text });
  }

  function answer(request: Request, at: Server<ConnectionData>): ReturnType<typeof shakeHands> {
    const refused = deps.refuse?.(request) ?? null;
    if (refused !== null) return refused;
    const address = at.requestIP(request)?.address ?? "";
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      const url = new URL(request.url);
      if (!url.pathname.startsWith("/ws") && !url.pathname.startsWith("/stream")) {
        return deps.route?.(request) ?? hooks.rest?.(url) ?? rest.answer(request, address, now());
      }
    } else if (!connects.admit(address, now())) {
      log.debug("exchange refuses a connection", { address, reason: "too many attempts" });
      return refusal(options.connectRefusal ?? 429);
    }
    return shakeHands(request, at);
  }

  function shakeHands(
    request: Request,
    at: Server<ConnectionData>,
  ): Response | undefined | Promise<Response | undefined> {
    const verdict = hooks.connect?.(connectionsTotal + 1) ?? null;
    if (verdict === null) return upgrade(request, at);
    if (verdict instanceof Response) return verdict;
    return verdict.then((refused) => refused ?? upgrade(request, at));
  }

  function upgrade(request: Request, at: Server<ConnectionData>): Response | undefined {
    const streams = parseStreamUrl(request.url);
    if (streams === null) return new Response("Invalid request path", { status: 404 });
    const data: ConnectionData = { id: connectionsTotal + 1, request: streams, session: null };
    // Counted first, since the socket is opened within.
    connectionsTotal += 1;
    if (at.upgrade(request, { data })) return undefined;
    connectionsTotal -= 1;
    return new Response("Upgrade required", { status: 426 });
  }

  async function stop(): Promise<void> {
    for (const timer of timers.splice(0)) clearInterval(timer);
    await source.stop();
    connections.endAll({ code: 1001, reason: "Going away" });
    await port.stop();
  }

  faults?.attach({
    ...connections,
    setStatus: source.setStatus,
    closePort() {
      connections.endAll("terminate");
      port.shut();
    },
    openPort: port.reopen,
  });

  return {
    async start() {
      port.open();
      timers.push(setInterval(() => connections.heartbeat(now(), clockMs()), options.pingMs ?? 20_000));
      if (options.stall) timers.push(setInterval(() => connections.dropStalled(performance.now()), stallCheckMs));
      try {
        await source.start(connections.emit, connections.audience);
      } catch (error) {
        await stop();
        throw error;
      }
      const at = `${host.includes(":") ? `[${host}]` : host}:${port.number()}`;
      const secure = options.tls === undefined ? "" : "s";
      log.debug("exchange listens", { host, port: port.number() });
      return { port: port.number(), wsUrl: `ws${secure}://${at}`, restUrl: `http${secure}://${at}` };
    },
    stop,
    disconnectAll: connections.endAll,
    disconnect: connections.end,
    connections: connections.ids,
    announceShutdown() {
      for (const id of connections.ids()) connections.announce(id);
    },
    setStatus: source.setStatus,
    stats: () => ({ ...connections.stats(), connectionsTotal }),
  };
}
